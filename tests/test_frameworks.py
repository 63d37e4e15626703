"""TensorFlow's notes stay out of the notebooks; its warnings don't."""

import logging
import sys

from botlib import frameworks


def test_no_log_lines_stand_between_the_bars_of_a_notebook(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    frameworks.quiet_tensorflow()
    logger = logging.getLogger("tensorflow")
    with caplog.at_level(logging.INFO, "tensorflow"):  # as TensorFlow sets it in a notebook
        logger.info("Assets written to: /tmp/assets")
        logger.warning("a value is not finite")
    assert [record.getMessage() for record in caplog.records] == ["a value is not finite"]
