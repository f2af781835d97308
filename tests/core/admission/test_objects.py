"""Objects and jobs: the traceability set is complete and true, and nobody uses what is not theirs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tallystick.admission.state import JobState, ObjectState
from tallystick.digests import digest_pair
from tallystick.events.job import PARAMETERS, Input, JobCompletion, JobRegistration
from tallystick.events.licence import LicenceStatus
from tallystick.events.objects import Basis, Generation
from tallystick.identifiers import Letter, new_identifier
from tallystick.statement import Statement
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.world import Job, Someone

NOTHING = str(new_identifier(Letter.OBJECT, b"nothing000"))
NO_LICENCE = str(new_identifier(Letter.LICENCE, b"nothing000"))
NO_JOB = str(new_identifier(Letter.JOB, b"nothing000"))
NO_CAPABILITY = str(new_identifier(Letter.CAPABILITY, b"nothing000"))
OWN = Basis("declared", "own-work")


def with_basis(*basis: Basis, **fields: Any) -> Any:
    return lambda stage: stage.world.object(basis=basis, **fields)


def licensed(stage: Stage, *actions: str) -> str:
    """A licence of the studio's source for the rival, after these changes of status."""
    said = stage.world.licence(stage.source, holder=stage.rival.id)
    stage.admit(said)
    for action in actions:
        body = LicenceStatus(action, "request", stage.world.now())  # type: ignore[arg-type]
        stage.admit(stage.world.say(stage.world.studio, "licence.status", said.event.subject, body))
    return said.event.subject


def by_rival(stage: Stage, basis: Basis) -> Statement:
    return stage.world.object(stage.rival, basis=(basis,))


def composed(stage: Stage, *parts: str, who: Someone | None = None) -> Statement:
    return stage.world.object(who, origin="composed", basis=(OWN, *(Basis("object", None, part) for part in parts)))


def output(stage: Stage, **changes: Any) -> Statement:
    """The output of a fresh job whose ``generation`` differs by ``changes``."""
    job = stage.running_job()
    return stage.world.output(job, generation=dataclasses.replace(job.generation(), **changes))


def of_another_job(stage: Stage, field: str) -> Statement:
    """Generation of one job with one field taken from another."""
    first, second = stage.running_job(), stage.running_job()
    value = getattr(second.generation(), field)
    return stage.world.output(first, generation=dataclasses.replace(first.generation(), **{field: value}))


def rivals_output(stage: Stage) -> Statement:
    return stage.world.output(stage.running_job(), stage.rival, basis=(OWN,))


def late_output(stage: Stage, outputs: int) -> Statement:
    job = stage.running_job()
    made = [stage.world.output(job) for _ in range(outputs)]
    stage.admit(*made, stage.world.complete(job, [one.event.subject for one in made]))
    return stage.world.output(job)


OBJECTS: Refusals = {
    "an object twice": Refusal("already-registered", "subject", lambda s: s.world.object(subject=s.source)),
    "another's object again": Refusal("already-registered", "subject", lambda s: s.world.object(subject=s.foreign)),
    "an object of another prefix": Refusal(
        "foreign-prefix",
        "subject",
        lambda s: s.world.object(subject=new_identifier(Letter.OBJECT, bytes(10), "10.1000")),
    ),
    "declared without a declaration": Refusal("incomplete", "body.basis[0]", with_basis(Basis("declared"))),
    "declared with a subject": Refusal(
        "incomplete", "body.basis[1]", with_basis(OWN, Basis("declared", "own-work", NOTHING))
    ),
    "a basis of kind object without one": Refusal("incomplete", "body.basis[0]", with_basis(Basis("object"))),
    "a basis of kind object with a declaration": Refusal(
        "incomplete", "body.basis[0]", lambda s: s.world.object(basis=(Basis("object", "own-work", s.source),))
    ),
    "a basis of kind licence that names an object": Refusal(
        "inconsistent", "body.basis[0].subject", lambda s: s.world.object(basis=(Basis("licence", None, s.source),))
    ),
    "a basis of kind job that names a licence": Refusal(
        "inconsistent", "body.basis[0].subject", with_basis(Basis("job", None, NO_LICENCE))
    ),
    "a basis of kind object that names a job": Refusal(
        "inconsistent", "body.basis[0].subject", with_basis(Basis("object", None, NO_JOB))
    ),
    "a basis on an object that is not registered": Refusal(
        "unregistered", "body.basis[0].subject", with_basis(Basis("object", None, NOTHING))
    ),
    "a basis on a licence that is not registered": Refusal(
        "unregistered", "body.basis[0].subject", with_basis(Basis("licence", None, NO_LICENCE))
    ),
    "a basis on a job that is not registered": Refusal(
        "unregistered", "body.basis[0].subject", with_basis(Basis("job", None, NO_JOB))
    ),
    "a basis on another's object": Refusal(
        "not-holder", "body.basis[0].subject", lambda s: by_rival(s, Basis("object", None, s.source))
    ),
    "a basis on another's job": Refusal(
        "not-holder", "body.basis[0].subject", lambda s: by_rival(s, Basis("job", None, s.running_job().id))
    ),
    "a basis on a licence of another": Refusal(
        "not-holder",
        "body.basis[0].subject",
        lambda s: s.world.object(s.world.licensee, basis=(Basis("licence", None, licensed(s)),)),
    ),
    "the licensor's basis on its own grant": Refusal(
        "not-holder", "body.basis[0].subject", lambda s: s.world.object(basis=(Basis("licence", None, licensed(s)),))
    ),
    "a basis on a suspended licence": Refusal(
        "not-holder", "body.basis[0].subject", lambda s: by_rival(s, Basis("licence", None, licensed(s, "suspend")))
    ),
    "a basis on a revoked licence": Refusal(
        "not-holder", "body.basis[0].subject", lambda s: by_rival(s, Basis("licence", None, licensed(s, "revoke")))
    ),
    "a basis on the object of an expired licence": Refusal(
        "not-holder",
        "body.basis[0].subject",
        lambda s: by_rival(s, Basis("object", None, licensed(s, "expire") and s.source)),
    ),
    "generation of an authored object": Refusal(
        "inconsistent",
        "body.generation",
        lambda s: s.world.object(generation=s.running_job().generation()),
    ),
    "a composed object without parts": Refusal("incomplete", "body.basis", lambda s: composed(s)),
    "a composed object of another's part": Refusal(
        "not-holder", "body.basis[2].subject", lambda s: composed(s, s.source, s.foreign)
    ),
}

GENERATED: Refusals = {
    "generated without saying how": Refusal(
        "incomplete", "body.generation", lambda s: s.world.object(origin="generated")
    ),
    "generated by an unregistered job": Refusal(
        "unregistered", "body.generation.job", lambda s: _unregistered_job_output(s)
    ),
    "generated by another's job": Refusal("not-holder", "body.generation.job", rivals_output),
    "generated by a job that is done": Refusal("wrong-state", "body.generation.job", lambda s: _late(s, 1)),
    "generated by a job that failed": Refusal("wrong-state", "body.generation.job", lambda s: _late(s, 0)),
    "its job is not in the chain": Refusal(
        "incomplete", "body.basis", lambda s: s.world.output(s.running_job(), basis=(OWN,))
    ),
    "another job is in the chain": Refusal(
        "incomplete",
        "body.basis",
        lambda s: s.world.output(s.running_job(), basis=(Basis("job", None, s.running_job().id),)),
    ),
    "another capability": Refusal(
        "inconsistent", "body.generation.capability", lambda s: output(s, capability=NO_CAPABILITY)
    ),
    "another version": Refusal("inconsistent", "body.generation.version", lambda s: output(s, version="1.1")),
    "another model signature": Refusal(
        "inconsistent", "body.generation.model_signature", lambda s: output(s, model_signature="0" * 64)
    ),
    "other parameters": Refusal(
        "inconsistent", "body.generation.parameters", lambda s: of_another_job(s, "parameters")
    ),
    "parameters with another SM3": Refusal(
        "inconsistent", "body.generation.parameters", lambda s: _wrong_sm3(s)
    ),
    "another environment": Refusal(
        "inconsistent", "body.generation.environment", lambda s: output(s, environment=digest_pair(b"another"))
    ),
}  # fmt: skip


def _late(stage: Stage, outputs: int) -> Statement:
    """One more output of a job that has ended, its job still in the chain."""
    return late_output(stage, outputs)


def _unregistered_job_output(stage: Stage) -> Statement:
    job, _ = stage.world.job(stage.capability)
    return stage.world.output(job, basis=(OWN,))


def _wrong_sm3(stage: Stage) -> Statement:
    job = stage.running_job()
    pair = dataclasses.replace(job.parameters, sm3="0" * 64)
    return stage.world.output(job, generation=dataclasses.replace(job.generation(), parameters=pair))


def job_with(stage: Stage, who: Someone | None = None, private: Any = "full", **fields: Any) -> Statement:
    body = {"capability": stage.capability.id, "inputs": (), "environment": digest_pair(b"e"), **fields}
    values = {PARAMETERS: {"seed": 1}} if private == "full" else private
    subject = fields.pop("subject", None) or stage.world.identifier(Letter.JOB)
    body.pop("subject", None)
    return stage.world.say(who or stage.world.studio, "job.register", subject, JobRegistration(**body), values)


def inputs(*objects: str) -> tuple[Input, ...]:
    return tuple(Input(one, "source") for one in objects)


def unapproved(stage: Stage, until: int, *decisions: str) -> Statement:
    """A job on a capability of which only the first ``until`` statements were admitted, then these decisions."""
    capability, said = stage.world.capability()
    stage.admit(*said[:until])
    for decision in decisions:
        stage.admit(stage.world.decide_capability(capability.id, decision))
    return job_with(stage, capability=capability.id)


JOBS: Refusals = {
    "a job twice": Refusal("already-registered", "subject", lambda s: job_with(s, subject=s.running_job().id)),
    "a job of another prefix": Refusal(
        "foreign-prefix", "subject", lambda s: job_with(s, subject=new_identifier(Letter.JOB, bytes(10), "10.1000"))
    ),
    "an unregistered capability": Refusal(
        "unregistered", "body.capability", lambda s: job_with(s, capability=NO_CAPABILITY)
    ),
    "a capability that is only filed": Refusal(
        "capability-not-approved", "body.capability", lambda s: unapproved(s, 1)
    ),
    "a capability that is tested but not graded": Refusal(
        "capability-not-approved", "body.capability", lambda s: unapproved(s, 2)
    ),
    "a capability that is graded but not approved": Refusal(
        "capability-not-approved", "body.capability", lambda s: unapproved(s, 3)
    ),
    "a suspended capability": Refusal(
        "capability-not-approved", "body.capability", lambda s: unapproved(s, 4, "suspend")
    ),
    "a revoked capability": Refusal("capability-not-approved", "body.capability", lambda s: unapproved(s, 4, "revoke")),
    "an unregistered input": Refusal(
        "unregistered", "body.inputs[1].object", lambda s: job_with(s, inputs=inputs(s.source, NOTHING))
    ),
    "another's object as input": Refusal(
        "not-holder", "body.inputs[0].object", lambda s: job_with(s, inputs=inputs(s.foreign))
    ),
    "the object of a licence to somebody else as input": Refusal(
        "not-holder",
        "body.inputs[0].object",
        lambda s: job_with(s, s.world.licensee, inputs=inputs(licensed(s) and s.source)),
    ),
    "the object of a suspended licence as input": Refusal(
        "not-holder",
        "body.inputs[0].object",
        lambda s: job_with(s, s.rival, inputs=inputs(licensed(s, "suspend") and s.source)),
    ),
    "the object of a licence without named holder as input": Refusal(
        "not-holder",
        "body.inputs[0].object",
        lambda s: s.admit(s.world.licence(s.source)) and job_with(s, s.rival, inputs=inputs(s.source)),
    ),
    "no private values": Refusal("incomplete", "private.parameters", lambda s: job_with(s, private=None)),
    "other private values": Refusal("incomplete", "private.parameters", lambda s: job_with(s, private={"prompt": "x"})),
    "a job by the bare service": Refusal("no-party", "iss", lambda s: job_with(s, s.world.service)),
    "a job recorded for nobody the log knows": Refusal(
        "unregistered",
        "iss",
        lambda s: s.world.record(
            s.world.outsider, "job.register", s.world.identifier(Letter.JOB), job_with(s).event.body
        ),
    ),
}


def complete(stage: Stage, result: str, *outputs: str, who: Someone | None = None, job: Job | None = None) -> Statement:
    job = job or stage.running_job()
    body = JobCompletion(result, outputs)  # type: ignore[arg-type]
    return stage.world.say(who or stage.world.studio, "job.complete", job.id, body)


def made(stage: Stage, job: Job) -> str:
    said = stage.world.output(job)
    stage.admit(said)
    return said.event.subject


def done(stage: Stage, *results: str, who: Someone | None = None, twice: bool = False) -> Statement:
    """A job with one output, ended with each of ``results``; the last is the statement to decide."""
    job = stage.running_job()
    output_id = made(stage, job)
    said = [
        complete(stage, result, *([output_id] * (1 + twice) if result == "done" else []), who=who, job=job)
        for result in results
    ]
    stage.admit(*said[:-1]) if said[:-1] else None
    return said[-1]


COMPLETIONS: Refusals = {
    "a job that is not registered": Refusal(
        "unregistered",
        "subject",
        lambda s: complete(s, "failed", job=s.world.job(s.capability)[0]),
    ),
    "another's job is completed": Refusal("not-holder", "iss", lambda s: done(s, "done", who=s.rival)),
    "another's job is failed": Refusal("not-holder", "iss", lambda s: done(s, "failed", who=s.rival)),
    "the registrar completes a job": Refusal("not-holder", "iss", lambda s: done(s, "done", who=s.world.registrar)),
    "the provider completes a job": Refusal("not-holder", "iss", lambda s: done(s, "done", who=s.world.provider)),
    "the bare service completes a job": Refusal("no-party", "iss", lambda s: done(s, "done", who=s.world.service)),
    "done twice": Refusal("wrong-state", "subject", lambda s: done(s, "done", "done")),
    "failed after done": Refusal("wrong-state", "subject", lambda s: done(s, "done", "failed")),
    "done after failed": Refusal("wrong-state", "subject", lambda s: done(s, "failed", "done")),
    "done without outputs": Refusal("incomplete", "body.outputs", lambda s: complete(s, "done")),
    "failed with outputs": Refusal("incomplete", "body.outputs", lambda s: complete(s, "failed", s.source)),
    "an unregistered output": Refusal("unregistered", "body.outputs[0]", lambda s: complete(s, "done", NOTHING)),
    "an authored object as output": Refusal("inconsistent", "body.outputs[0]", lambda s: complete(s, "done", s.source)),
    "another's object as output": Refusal("inconsistent", "body.outputs[0]", lambda s: complete(s, "done", s.foreign)),
    "the output of another job": Refusal(
        "inconsistent", "body.outputs[0]", lambda s: complete(s, "done", made(s, s.running_job()))
    ),
    "one output twice": Refusal("inconsistent", "body.outputs[1]", lambda s: done(s, "done", twice=True)),
}

CASES: Refusals = {**OBJECTS, **GENERATED, **JOBS, **COMPLETIONS}


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    check_refusal(CASES[name])


def test_the_cases_have_names_of_their_own() -> None:
    assert len(CASES) == len(OBJECTS) + len(GENERATED) + len(JOBS) + len(COMPLETIONS)


def test_the_generation_is_compared_field_by_field() -> None:
    """Every field of the record has its refusal above; the job is compared by being looked up."""
    fields = {field.name for field in dataclasses.fields(Generation)}
    assert {one.field.removeprefix("body.generation.") for one in GENERATED.values()} >= fields


def test_an_object_is_the_signers() -> None:
    stage = new_stage()
    said = stage.world.object(stage.rival)
    stage.admit(said)
    assert stage.state.get(said.event.subject) == ObjectState(
        stage.rival.id, "image", "authored", stage.position - 1, None
    )


def test_the_chain_may_rest_on_own_objects_licences_and_jobs() -> None:
    stage = new_stage()
    licence = licensed(stage)
    stage.admit(by_rival(stage, Basis("object", None, stage.foreign)))
    stage.admit(by_rival(stage, Basis("object", None, stage.source)))
    stage.admit(by_rival(stage, Basis("licence", None, licence)))
    stage.admit(composed(stage, stage.source))
    job = stage.running_job()
    last = stage.world.object(basis=(Basis("job", None, job.id), OWN))
    stage.admit(last)
    assert isinstance(stage.state.get(last.event.subject), ObjectState)


def test_a_reinstated_licence_counts_again_and_one_of_two_is_enough() -> None:
    stage = new_stage()
    licensed(stage, "suspend", "reinstate")
    stage.admit(job_with(stage, stage.rival, inputs=inputs(stage.source)))
    stage = new_stage()
    first = stage.world.licence(stage.source, 1, stage.rival.id)
    stage.admit(first)
    licensed(stage, "revoke")
    said = job_with(stage, stage.rival, inputs=inputs(stage.source))
    stage.admit(said)
    state = stage.state.get(said.event.subject)
    assert isinstance(state, JobState)
    assert state.status == "running"


def test_a_workflow_of_jobs() -> None:
    stage = new_stage()
    job = stage.running_job(stage.source)
    assert stage.state.get(job.id) == JobState(
        stage.world.studio.id,
        stage.capability.id,
        "1.0",
        job.generation().model_signature,
        job.parameters,
        job.environment,
        "running",
    )
    first, second = made(stage, job), made(stage, job)
    found = stage.state.get(first)
    assert isinstance(found, ObjectState)
    assert (found.origin, found.job, found.holder) == ("generated", job.id, stage.world.studio.id)
    stage.admit(stage.world.complete(job, [second, first]))
    state = stage.state.get(job.id)
    assert isinstance(state, JobState)
    assert state.status == "done"
    following = stage.running_job(first, second)
    stage.admit(stage.world.complete(following, []))
    state = stage.state.get(following.id)
    assert isinstance(state, JobState)
    assert state.status == "failed"


def test_a_job_admitted_before_the_suspension_may_end_after_it() -> None:
    """A capability counts at the job's position: what runs may finish, nothing new may begin."""
    stage = new_stage()
    job = stage.running_job()
    stage.admit(stage.world.decide_capability(stage.capability.id, "suspend"))
    stage.admit(stage.world.complete(job, [made(stage, job)]))
    state = stage.state.get(job.id)
    assert isinstance(state, JobState)
    assert state.status == "done"


def test_recorded_for_the_holder_counts_as_the_holder() -> None:
    stage = new_stage()
    job = stage.running_job()
    said = stage.world.output(job)
    stage.admit(stage.world.record(stage.world.studio, "object.register", said.event.subject, said.event.body))
    assert stage.state.get(said.event.subject) is not None
    before, done_body = stage.state.get(job.id), JobCompletion("done", (said.event.subject,))
    stage.admit(stage.world.record(stage.world.studio, "job.complete", job.id, done_body))
    assert stage.state.get(job.id) not in (None, before)
