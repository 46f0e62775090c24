"""What is given to run a server elsewhere: it is well-formed, and speaks of settings that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from endorse.server.proxies import proxy_problem
from endorse.server.settings import KNOWN
from tests import parts

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
CHART = DEPLOY / "helm" / "endorse"
GOOD = CHART / "ci" / "lint-values.yaml"
NAMES = {f"ENDORSE_{name}" for name in KNOWN}


def is_compose(path: Path) -> bool:
    """Whether a file holds what the Compose specification allows."""
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", path],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run helm on the chart."""
    command = [parts.helm(), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rendered(*options: str | Path) -> list[dict[str, Any]]:
    """What the chart makes of good values."""
    done = helm("template", "bank", CHART, "--values", GOOD, *options)
    assert done.returncode == 0, done.stderr
    return [it for it in yaml.safe_load_all(done.stdout) if it]


def of_kind(kind: str) -> list[dict[str, Any]]:
    """The chart's objects of one kind."""
    return [it for it in rendered() if it["kind"] == kind]


def test_the_compose_file_is_what_its_specification_allows(tmp_path: Path) -> None:
    assert is_compose(DEPLOY / "compose.yaml")
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((DEPLOY / "compose.yaml").read_text().replace("cap_drop:", "cap_drops:"))
    assert not is_compose(wrong)


@pytest.mark.parametrize(
    "path",
    [it for it in sorted(DEPLOY.rglob("*")) if it.is_file()],
    ids=lambda it: str(it.relative_to(DEPLOY)),
)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"ENDORSE_[A-Z_]+[A-Z]", path.read_text()))
    assert named - NAMES <= {"ENDORSE_IMAGE"}


def test_the_servers_of_the_compose_file_believe_a_proxy_on_their_machine() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    [given] = compose["networks"]["default"]["ipam"]["config"]
    usual = compose["services"]["server-1"]["environment"]["ENDORSE_TRUSTED_PROXIES"]
    assert usual == "${ENDORSE_TRUSTED_PROXIES:-" + given["subnet"] + "}"
    example = (DEPLOY / "env.example").read_text()
    [named] = re.findall(r"^ENDORSE_TRUSTED_PROXIES=(.*)$", example, re.MULTILINE)
    assert named.split(",") == ["127.0.0.1", given["subnet"]]
    assert [proxy_problem(it) for it in named.split(",")] == ["", ""]


def test_a_container_is_given_the_time_that_a_server_takes_to_stop() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    server = compose["services"]["server-1"]
    assert int(server["stop_grace_period"].rstrip("s")) > 5 + int(
        server["environment"]["ENDORSE_DRAIN"]
    )
    unit = (DEPLOY / "endorse.service").read_text()
    assert "TimeoutStopSec=20" in unit


def test_what_git_leaves_out_of_a_clone_stays_out_of_the_images_build_too() -> None:
    root = DEPLOY.parent
    lines = (root / ".dockerignore").read_text().splitlines()
    left_out = [line.removeprefix("**/") for line in lines if not line.startswith("#")]
    by_git = [line.strip("/") for line in (root / ".gitignore").read_text().splitlines()]
    taken_in = [it for it in by_git if not any(fnmatch(it, pattern) for pattern in left_out)]
    assert taken_in == []
    assert {".git", "deploy/.env", "deploy/bank"} <= set(left_out), (
        "history, and what is an operator's"
    )


def test_the_unit_lets_a_server_read_what_its_process_metrics_need() -> None:
    """They are reckoned from /proc/stat, which `ProcSubset=pid` hides."""
    assert "ProcSubset=" not in (DEPLOY / "endorse.service").read_text()


def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    """Verified with a program that exists in place of the one that is not installed here."""
    unit = tmp_path / "endorse.service"
    text = (DEPLOY / "endorse.service").read_text()
    unit.write_text(text.replace("/opt/endorse/bin/endorse", shutil.which("true") or ""))
    program = parts.systemd_analyze()
    good = subprocess.run([program, "verify", unit], capture_output=True, text=True, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    unit.write_text(unit.read_text().replace("Restart=on-failure", "Restart=sometimes"))
    bad = subprocess.run([program, "verify", unit], capture_output=True, text=True, check=False)
    assert "sometimes" in bad.stderr


def test_the_chart_passes_helms_strict_check() -> None:
    done = helm("lint", "--strict", CHART, "--values", GOOD)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "wrong",
    [
        "settings.ENDORSE_ISSUER=http://connect.bank.example",
        "settings.ENDORSE_ISSUER=",
        "settings.ENDORSE_SECRET=in-the-open",
        "settings.ENDORSE_BANK=nothing",
        "settings.OTHER=x",
        "image.repository=",
        "replicas=0",
    ],
)
def test_the_chart_refuses_values_that_no_server_starts_with(wrong: str) -> None:
    done = helm("template", "bank", CHART, "--values", GOOD, "--set", wrong)
    assert done.returncode == 1
    assert wrong.split("=", maxsplit=1)[0].rsplit(".", maxsplit=1)[-1] in done.stderr


def test_the_chart_migrates_first_and_takes_the_secrets_from_a_secret_of_the_operators() -> None:
    [job] = of_kind("Job")
    assert "pre-upgrade" in job["metadata"]["annotations"]["helm.sh/hook"]
    [deployment] = of_kind("Deployment")
    for holder in (job, deployment):
        [container] = holder["spec"]["template"]["spec"]["containers"]
        given = {it["name"]: it for it in container["env"]}
        for secret in ("ENDORSE_SECRET", "ENDORSE_DATABASE"):
            assert given[secret]["valueFrom"]["secretKeyRef"]["name"] == "endorse"
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    drain = next(it["value"] for it in container["env"] if it["name"] == "ENDORSE_DRAIN")
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 5 + int(drain)


def test_the_charts_ingress_leads_to_the_server_and_not_to_its_metrics() -> None:
    [ingress] = of_kind("Ingress")
    [rule] = ingress["spec"]["rules"]
    assert rule["host"] == "connect.bank.example"
    [path] = rule["http"]["paths"]
    assert path["backend"]["service"] == {"name": "bank", "port": {"name": "http"}}
    [service] = [it for it in of_kind("Service") if it["metadata"]["name"] == "bank"]
    assert [it["name"] for it in service["spec"]["ports"]] == ["http"]
