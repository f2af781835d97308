"""Rules for objects and jobs: the minimum traceability set is complete, or the statement is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from tallystick.admission.context import Context
from tallystick.admission.refusal import Refused
from tallystick.admission.standing import standing_at
from tallystick.admission.state import (
    CapabilityState,
    JobState,
    LicenceState,
    ObjectState,
    PartyState,
    Rights,
    right_key,
)
from tallystick.errors import MalformedInput
from tallystick.events.job import PARAMETERS, JobCompletion, JobRegistration
from tallystick.events.objects import Basis, Generation, ObjectRegistration
from tallystick.identifiers import Letter, parse_identifier


def register_object(context: Context) -> None:
    """``object.register``: content digests, authorisation chain and, if generated, how it came about."""
    body: ObjectRegistration = context.event.body
    holder = context.party()
    context.need(holder, PartyState, "iss")
    for index, basis in enumerate(body.basis):
        _check_basis(context, holder, basis, f"body.basis[{index}]")
    if body.origin == "generated":
        _check_generation(context, holder, body)
    elif body.generation is not None:
        raise Refused(
            "inconsistent", "body.generation", f"the origin is {body.origin}", "only a generated object has it"
        )
    if body.origin == "composed" and not any(basis.kind == "object" for basis in body.basis):
        raise Refused(
            "incomplete",
            "body.basis",
            "a composed object names none of its parts",
            "add a basis of kind object for each part",
        )
    job = body.generation.job if body.generation else None
    context.enter(ObjectState(holder, body.kind, body.origin, context.position, job))


def _check_basis(context: Context, holder: str, basis: Basis, where: str) -> None:
    if basis.kind == "declared":
        if basis.declaration is None or basis.subject is not None:
            raise Refused(
                "incomplete", where, "a declared basis has a declaration and no subject", "say on what the holder rests"
            )
        return
    if basis.subject is None or basis.declaration is not None:
        raise Refused(
            "incomplete",
            where,
            f"a basis of kind {basis.kind} has a subject and no declaration",
            "name the earlier event's subject",
        )
    letters = {"object": Letter.OBJECT, "licence": Letter.LICENCE, "job": Letter.JOB}
    try:
        parse_identifier(basis.subject, letters[basis.kind])
    except MalformedInput as error:
        raise Refused("inconsistent", f"{where}.subject", str(error), "name a subject of that kind") from None
    if basis.kind == "object":
        require_use(context, holder, basis.subject, f"{where}.subject")
    elif basis.kind == "licence":
        licence = context.need(basis.subject, LicenceState, f"{where}.subject")
        status = standing_at(context, basis.subject, context.now).status
        if licence.holder != holder or status != "valid":
            raise _no_right(basis.subject, holder, f"{where}.subject", f"licence {status}")
    elif context.need(basis.subject, JobState, f"{where}.subject").party != holder:
        raise _no_right(basis.subject, holder, f"{where}.subject", "another party's job")


def require_use(context: Context, party: str, object_id: str, where: str) -> None:
    """Refuses unless ``party``, the acting one, holds the object or holds a valid licence of it.

    Looked for once: of one object a party may hold any number of licences that are in force but for what stands above
    them, and a statement may name the object hundreds of times.
    """
    if object_id in context.usable:
        return
    found = context.need(object_id, ObjectState, where)
    if found.holder != party:
        licences = _licences(context, object_id, party)
        if not any(standing_at(context, licence, context.now).status == "valid" for licence in licences):
            raise _no_right(object_id, party, where, f"held by {found.holder}")
    context.usable.add(object_id)


def _licences(context: Context, object_id: str, party: str) -> Iterator[str]:
    first = context.find(right_key(object_id, party), Rights) or Rights(())
    yield from first.licences
    for page in range(1, (first.last or 0) + 1):
        yield from (context.find(right_key(object_id, party, page), Rights) or Rights(())).licences


def _no_right(subject: str, party: str, where: str, why: str) -> Refused:
    return Refused(
        "not-holder",
        where,
        f"{party} neither holds {subject} nor a valid licence of it ({why})",
        "obtain a licence that names this party as its holder",
    )


def _check_generation(context: Context, holder: str, body: ObjectRegistration) -> None:
    generation = body.generation
    if generation is None:
        raise Refused(
            "incomplete",
            "body.generation",
            "a generated object does not say how it came about",
            "give job, capability, version, model signature, parameters and environment",
        )
    job = context.need(generation.job, JobState, "body.generation.job")
    if job.party != holder:
        raise _no_right(generation.job, holder, "body.generation.job", f"run by {job.party}")
    if job.status != "running":
        raise Refused(
            "wrong-state", "body.generation.job", f"the job is {job.status} already", "register outputs first"
        )
    if not any(basis.kind == "job" and basis.subject == generation.job for basis in body.basis):
        raise Refused(
            "incomplete", "body.basis", "the job is not in the authorisation chain", "add a basis of kind job for it"
        )
    expected = Generation(
        generation.job, job.capability, job.version, job.model_signature, job.parameters, job.environment
    )
    for field in dataclasses.fields(Generation):
        said, known = getattr(generation, field.name), getattr(expected, field.name)
        if said != known:
            raise Refused(
                "inconsistent",
                f"body.generation.{field.name}",
                f"the job has {known}, found {said}",
                "repeat what the job says",
            )


def register_job(context: Context) -> None:
    """``job.register``: only registered objects, only a capability that is approved at this position."""
    body: JobRegistration = context.event.body
    party = context.party()
    context.need(party, PartyState, "iss")
    capability = context.need(body.capability, CapabilityState, "body.capability")
    if capability.status != "approved":
        raise Refused(
            "capability-not-approved",
            "body.capability",
            f"{body.capability} is {capability.status} at position {context.position}",
            "have the registrar approve or reinstate the capability, or use another",
        )
    for index, item in enumerate(body.inputs):
        require_use(context, party, item.object, f"body.inputs[{index}].object")
    parameters = context.event.commitments.get(PARAMETERS)
    if parameters is None:
        raise Refused(
            "incomplete",
            f"private.{PARAMETERS}",
            "the job commits to no parameters",
            "submit the parameters as a private value",
        )
    context.enter(
        JobState(
            party,
            body.capability,
            capability.version,
            capability.model_signature,
            parameters,
            body.environment,
            "running",
        )
    )


def complete_job(context: Context) -> None:
    """``job.complete``: the outputs are registered objects that name this job."""
    body: JobCompletion = context.event.body
    job = context.need(context.event.subject, JobState, "subject")
    if context.party() != job.party:
        raise _no_right(context.event.subject, context.party(), "iss", f"run by {job.party}")
    if job.status != "running":
        raise Refused("wrong-state", "subject", f"the job is {job.status} already", "register a new job")
    if (body.result == "done") != bool(body.outputs):
        raise Refused(
            "incomplete",
            "body.outputs",
            f"result {body.result} with {len(body.outputs)} outputs",
            "a job that is done has outputs, one that failed has none",
        )
    for index, output in enumerate(body.outputs):
        found = context.need(output, ObjectState, f"body.outputs[{index}]")
        if found.job != context.event.subject or body.outputs.index(output) != index:
            raise Refused(
                "inconsistent",
                f"body.outputs[{index}]",
                f"{output} names the job {found.job}",
                "list each object that was registered as generated by this job once",
            )
    context.put(context.event.subject, dataclasses.replace(job, status=body.result))


RULES: dict[str, Callable[[Context], None]] = {
    "object.register": register_object,
    "job.register": register_job,
    "job.complete": complete_job,
}
