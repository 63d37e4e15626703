"""What a benchmark keeps, and what it says about the one before."""

import json

from benchmarks import report


def line(ratio: float) -> dict:
    return report.row("write", 1.0, ratio, "a peer", unit="s", target=None, runs=1)


def test_what_got_slower_is_named_and_noise_is_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    report.write("speed", [line(4.0)])
    report.write("speed", [line(3.7)])
    assert "WORSE" not in capsys.readouterr().out
    report.write("speed", [line(3.0)])
    assert "WORSE: write against a peer: 3.00 ×, 3.70 × in the stored" in capsys.readouterr().out


def test_a_result_names_its_command_its_machine_and_its_versions(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    path = report.write("speed", [line(2.0)])
    about = json.loads(path.read_text())[-1]
    assert about["command"] == "python -m benchmarks.speed"
    assert about["machine"]["cores"] and about["versions"]["python"]
