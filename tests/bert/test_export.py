"""Exporting a classifier fits into Colab's memory, and leaves the rest of the process as it was."""

import logging
import subprocess
import sys

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from botlib.bert import export


def test_warnings_are_still_heard_after_a_model_was_made_int8(tmp_path, caplog):
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])
    got = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])
    weights = numpy_helper.from_array(np.eye(4, 2, dtype=np.float32), "w")
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [given], [got], [weights])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", export.OPSET)], ir_version=8
    )
    save(model, tmp_path / "a.onnx")
    export.to_int8(tmp_path / "a.onnx", tmp_path / "b.onnx")
    assert (tmp_path / "b.onnx").is_file()
    logging.getLogger("botlib.gpt2").warning("the CPU generates")
    assert [record.getMessage() for record in caplog.records] == ["the CPU generates"]


EXPORT = """
import resource, sys
from pathlib import Path
from botlib.bert import encoder, export, model
from botlib.workspace import Workspace

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

workspace = Workspace.open(sys.argv[1], create=True)
texts = [f"{number} cats and dogs" for number in range(99)]
module = encoder.load("scratch:6x512", workspace, texts)
made = model.build(module, 4, pooling="cls", dropout=0.1, seed=1)
before = peak()
export.to_onnx(made, Path(sys.argv[1]) / "model.onnx", module.heads)
print((peak() - before) / (Path(sys.argv[1]) / "model.onnx").stat().st_size)
"""


@pytest.mark.slow
def test_an_export_holds_the_weights_some_twenty_times_and_not_eighty(tmp_path):
    """BERT base weighs 440 MB, and Colab has 12.7 GB for all that runs there."""
    arguments = [sys.executable, "-c", EXPORT, str(tmp_path / "w")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout) < 25
