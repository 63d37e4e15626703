"""Sessions of ONNX Runtime for the classifiers and the frozen encoder."""

from pathlib import Path

from botlib.errors import BotlibError

# Tokens read together: on a CPU what stays in a core's cache
BATCH_TOKENS = {"cpu": 512, "cuda": 8192}


def session(path: Path):
    """Returns a session whose calls each use one core, and the device it runs on."""
    import onnxruntime

    if not path.is_file():
        raise BotlibError(
            f"{path} is missing: train the classifier again (03_bert_realism, 04_bert_upvotes)"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    available = onnxruntime.get_available_providers()
    providers = [p for p in ("CUDAExecutionProvider", "CPUExecutionProvider") if p in available]
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:
        raise BotlibError(
            f"{path} can't be loaded ({str(error)[:200]}): train the classifier again "
            "(03_bert_realism, 04_bert_upvotes)"
        ) from error
    return session, "cuda" if "CUDA" in session.get_providers()[0] else "cpu"
