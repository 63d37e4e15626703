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


def to_onnx(model, path: Path, heads: int = 0) -> tuple[int, int]:
    """Writes a Keras model over BERT's three inputs as ONNX, its one output called logits.

    Args:
      model: from `bert_model.build`.
      path: the file to be.
      heads: attention heads of its encoder, if known.

    Returns:
      How many GELUs and attentions became one operation; see `onnx_fusion.fuse`.
    """
    tf = tensorflow()
    import tf2onnx

    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int32, name) for name in INPUTS],
        autograph=False,
    )
    def logits(*values):
        inputs = dict(zip(INPUTS, values, strict=True))
        return {"logits": tf.identity(model(inputs, training=False), name="logits")}

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with contextlib.redirect_stderr(io.StringIO()):
        tf2onnx.convert.from_function(
            logits, input_signature=logits.input_signature, opset=OPSET, output_path=str(path)
        )
    return onnx_fusion.fuse(path, heads)


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
