"""TensorFlow's notes stay out of the notebooks, its warnings don't; Arrow gives memory back."""

import logging
import os
import subprocess
import sys

import pytest

from botlib import frameworks


def test_no_log_lines_stand_between_the_bars_of_a_notebook(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    frameworks.quiet_tensorflow()
    logger = logging.getLogger("tensorflow")
    with caplog.at_level(logging.INFO, "tensorflow"):  # as TensorFlow sets it in a notebook
        logger.info("Assets written to: /tmp/assets")
        logger.warning("a value is not finite")
    assert [record.getMessage() for record in caplog.records] == ["a value is not finite"]


@pytest.mark.parametrize(("chosen", "used"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_arrow_keeps_no_memory_that_nobody_uses_unless_the_user_chose_its_pool(chosen, used):
    environment = {k: v for k, v in os.environ.items() if k != "ARROW_DEFAULT_MEMORY_POOL"}
    if chosen:
        environment["ARROW_DEFAULT_MEMORY_POOL"] = chosen
    show = "import botlib.tables, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    done = subprocess.run(
        [sys.executable, "-c", show], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == used
