"""4. A workflow of three jobs, image → geometry → material; identity first, then admission."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from demo.capabilities import picture, shape
from demo.chapters import capabilities
from demo.stage import Stage, expect_refusal
from tallystick import canonical
from tallystick.assets import describe
from tallystick.digests import DigestPair, digest_pair
from tallystick.events.job import Input, JobCompletion, JobRegistration
from tallystick.events.objects import Basis, Generation, ObjectRegistration
from tallystick.identifiers import Letter
from tallystick.schema import write

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Step:
    """One job: which capability reads which object and makes what."""

    name: str
    capability: str
    reads: str
    role: str
    kind: Literal["image", "model-3d", "material"]
    file: str
    parameters: dict[str, Any]
    run: Callable[[Path, Path], None]


STEPS = (
    Step(
        "image",
        "picture",
        "prop",
        "reference",
        "image",
        "concept.png",
        {"prompt": "an aged bronze lantern at dusk 暮色中的旧铜灯", "seed": 7},
        lambda source, out: picture.make(source, "an aged bronze lantern at dusk", out),
    ),
    Step(
        "geometry",
        "shape",
        "image",
        "concept",
        "model-3d",
        "relief.obj",
        {"height": "0.3"},
        lambda source, out: shape.make_mesh(source, 0.3, out),
    ),
    Step(
        "material",
        "shape",
        "geometry",
        "geometry",
        "material",
        "bronze.json",
        {"metalness": "0.9"},
        lambda source, out: shape.make_material(source, 0.9, out),
    ),
)


def record(stage: Stage) -> None:
    """Refusals first, then the three jobs."""
    stage.screen.chapter(
        "4",
        "A workflow of three jobs: image → geometry → material",
        "A job names what it reads, what runs and what comes out. What is not registered or approved is refused.",
    )
    environment = _environment()
    workflow = stage.new(Letter.WORKFLOW)
    studio = stage.speakers["studio"]

    def attempt(capability: str, reads: str) -> None:
        body = JobRegistration(capability, (Input(reads, "reference"),), environment, workflow)
        studio.say("job.register", stage.new(Letter.JOB), body, {"parameters": {}})

    expect_refusal(
        stage,
        "a job whose capability is not approved",
        "capability-not-approved",
        lambda: attempt(stage.ids["picture"], stage.ids["prop"]),
    )
    for key in capabilities.MODELS:
        capabilities.approve(stage, key)
    expect_refusal(
        stage,
        "a job that names an unregistered object",
        "unregistered",
        lambda: attempt(stage.ids["picture"], stage.new(Letter.OBJECT)),
    )
    files = {"prop": _reference(stage)}
    for step in STEPS:
        files[step.name] = _run(stage, step, workflow, environment, files[step.reads])
    stage.record("workflow", workflow, "3 jobs: each output is bound to what was read, to what ran and how")


def _run(stage: Stage, step: Step, workflow: str, environment: DigestPair, source: Path) -> Path:
    studio, job, output = stage.speakers["studio"], stage.new(Letter.JOB), stage.new(Letter.OBJECT)
    capability = stage.ids[step.capability]
    registration = JobRegistration(capability, (Input(stage.ids[step.reads], step.role),), environment, workflow)
    _, opened = studio.say("job.register", job, registration, {"parameters": step.parameters})
    path = stage.work / step.file
    step.run(source, path)
    generation = Generation(
        job,
        capability,
        capabilities.MODELS[step.capability].version,
        stage.ids[f"{step.capability}-signature"],
        opened[0].commitment,
        environment,
    )
    content = write(describe(path).content)
    body = ObjectRegistration(step.kind, "generated", content, (Basis("job", subject=job),), generation)
    studio.say("object.register", output, body, {"title": step.file})
    answer, _ = studio.say("job.complete", job, JobCompletion("done", (output,)))
    stage.ids[step.name], stage.ids[f"{step.name}-job"] = output, job
    stage.screen.good(
        f"{step.name}: {step.file} is {output}, complete at position {answer['position']}",
        f"made by job {job} from {stage.ids[step.reads]} ({step.reads})",
    )
    return path


def _reference(stage: Stage) -> Path:
    """The picture of the asset that the first job reads, or its first file."""
    files = [path for _, path in stage.asset.files]
    return next((path for path in files if path.suffix.lower() in _PICTURES), files[0])


def _environment() -> DigestPair:
    facts = {"python": sys.version.split()[0], "system": platform.system(), "machine": platform.machine()}
    return digest_pair(canonical.encode(facts))
