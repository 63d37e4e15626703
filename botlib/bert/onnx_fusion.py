"""Attention as one operation of ONNX Runtime, in the graphs of our own encoders.

tf2onnx writes a dozen small operations, which take much of the time once the matrix products are
int8. ONNX Runtime joins what it knows by itself (GELU, LayerNormalization). A graph of another
shape (TF Hub's own modules) is left as it is.
"""

from pathlib import Path

# ONNX Runtime's own operations:
# https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
DOMAIN = "com.microsoft"


def fuse(path: Path, heads: int) -> int:
    """Rewrites a model in place.

    Args:
      path: what `export.to_onnx` wrote.
      heads: attention heads of its encoder; 0 leaves attention as it is.

    Returns:
      How many attentions became one operation.
    """
    import onnx

    model = onnx.load(str(path))
    graph = _Graph(model.graph)
    softmaxes = graph.of("Softmax") if heads else []
    attentions = sum(_fuse_attention(graph, node, heads) for node in softmaxes)
    if attentions:
        graph.rebuild()
        model.opset_import.append(onnx.helper.make_opsetid(DOMAIN, 1))
        onnx.save(model, str(path))
    return attentions


class _Graph:
    """A graph with who makes and who takes each tensor."""

    def __init__(self, graph) -> None:
        self.graph = graph
        self.nodes = list(graph.node)
        self.maker = {name: node for node in self.nodes for name in node.output}
        self.takers: dict[str, list] = {}
        for node in self.nodes:
            for name in node.input:
                self.takers.setdefault(name, []).append(node)
        self.added: list[tuple[object, list]] = []

    def of(self, kind: str) -> list:
        return [node for node in self.nodes if node.op_type == kind]

    def before(self, node, *kinds: str) -> list | None:
        """The nodes that lead to one, over its inputs, as far as the kinds fit; nearest first."""
        inputs = []
        for kind in kinds:
            makers = [self.maker[name] for name in node.input if name in self.maker]
            node = next((maker for maker in makers if maker.op_type == kind), None)
            if node is None:
                return None
            inputs.append(node)
        return inputs

    def after(self, node, *kinds: str) -> list | None:
        """The nodes that follow one, each the only taker of the one before."""
        consumers = []
        for kind in kinds:
            takers = self.takers.get(node.output[0], [])
            if len(takers) != 1 or takers[0].op_type != kind:
                return None
            node = takers[0]
            consumers.append(node)
        return consumers

    def replace(self, last, new: list) -> None:
        """Puts new nodes in the place of the one whose output they give."""
        self.added.append((last, new))

    def rebuild(self) -> None:
        """Writes the nodes back, without those that nothing takes any more."""
        new = {id(last): nodes for last, nodes in self.added}
        nodes = [n for node in self.nodes for n in new.get(id(node), [node])]
        needed = {output.name for output in self.graph.output}
        live_nodes = []
        for node in reversed(nodes):
            if needed.intersection(node.output):
                needed.update(node.input)
                live_nodes.append(node)
        del self.graph.node[:]
        self.graph.node.extend(reversed(live_nodes))


def _fuse_attention(graph: _Graph, softmax, heads: int) -> bool:
    """From the packed query, key and value (pairs, tokens, 3, heads, size) to the mixed values."""
    from onnx import helper

    before = graph.before(softmax, "Add", "MatMul", "Mul", "Squeeze", "Split", "Transpose")
    following = graph.after(softmax, "MatMul", "Transpose", "Reshape")
    if not before or not following:
        return False
    packed = before[-1].input[0]
    last = following[-1]
    name = last.output[0]
    names = [f"{name}/{part}" for part in ("query", "key", "value")]
    shape, flat = f"{name}/shape", f"{name}/flat"
    nodes = [
        _constant(shape, [0, 0, -1]),
        helper.make_node("Reshape", [packed, shape], [flat]),
        helper.make_node("Split", [flat], names, axis=2),
        helper.make_node(
            "MultiHeadAttention",
            [*names, "", "input_mask"],
            [f"{name}/mixed"],
            domain=DOMAIN,
            num_heads=heads,
        ),
        helper.make_node("Reshape", [f"{name}/mixed", last.input[1]], [name]),
    ]
    graph.replace(last, nodes)
    return True


def _constant(name: str, values: list[int]):
    from onnx import TensorProto, helper

    tensor = helper.make_tensor(name, TensorProto.INT64, [len(values)], values)
    return helper.make_node("Constant", [], [name], value=tensor)
