"""Keras model to ONNX, and a smaller int8 copy."""

import contextlib
import io
import logging
from collections.abc import Sequence
from pathlib import Path

from botlib.bert import onnx_fusion
from botlib.bert.encoder import INPUTS
from botlib.bert.legacy_keras import tensorflow

# tf2onnx 1.17 knows up to 18; LayerNormalization isn't made from pieces anyway
OPSET = 17
# Of tf2onnx's twelve
OPTIMISERS = ("optimize_transpose", "fold_constants", "remove_identity", "merge_duplication")


def to_onnx(model, path: Path, heads: int = 0) -> int:
    """Writes a Keras model over BERT's three inputs as ONNX, its one output called logits.

    Args:
      model: from `bert_model.build`.
      path: the file to be.
      heads: attention heads of its encoder, if known.

    Returns:
      How many attentions became one operation; see `onnx_fusion.fuse`.
    """
    tf = tensorflow()

    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int32, name) for name in INPUTS],
        autograph=False,
    )
    def logits(*values):
        inputs = dict(zip(INPUTS, values, strict=True))
        return {"logits": tf.identity(model(inputs, training=False), name="logits")}

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with contextlib.redirect_stderr(io.StringIO()):
        _write(logits.get_concrete_function(), path)
    return onnx_fusion.fuse(path, heads)


def _write(function, path: Path) -> None:
    """What `tf2onnx.convert.from_function` does, in a quarter of the memory.

    That holds some eighty copies of the weights at its peak: 8 GB for MiniLM's 90 MB, more than
    Colab has for BERT base. Here the weights stay out of TensorFlow's graph, and only those
    optimisers run that find something in a BERT, on the graph itself and not on a copy.
    """
    import tensorflow as tf
    from tf2onnx import optimizer, tf_loader, tf_utils, tfonnx
    from tf2onnx.convert import tensor_names_from_structed

    inputs = [tensor.name for tensor in function.inputs if tensor.dtype != tf.resource]
    outputs = [tensor.name for tensor in function.outputs]
    names = tensor_names_from_structed(function, inputs, outputs)
    frozen = tf_loader.convert_variables_to_constants_large_model(function)
    weights = tf_utils.compress_graph_def(frozen)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen, name="")
        converted = tfonnx.process_tf_graph(
            graph,
            const_node_values=weights,
            input_names=inputs,
            output_names=outputs,
            opset=OPSET,
            tensors_to_rename=names,
        )
    chosen = {name: optimizer._get_optimizers()[name] for name in OPTIMISERS}
    converted = optimizer.optimize_graph(converted, catch_errors=False, optimizers=chosen)
    path.write_bytes(converted.make_model("classifier").SerializeToString())


def to_int8(source: Path, target: Path, operations: Sequence[str] = ("MatMul",)) -> None:
    """Writes a copy with int8 weights, one scale a column; activations follow as they come."""
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    # It advises by the root logger; what others have to say must be heard again afterwards
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=list(operations),
            per_channel=True,
            weight_type=QuantType.QInt8,
            # Shape inference ends at ONNX Runtime's own operations
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
    finally:
        root.setLevel(level)
