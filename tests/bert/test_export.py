"""Exporting a classifier leaves the rest of the process as it was."""

import logging

import numpy as np
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
