"""Reading groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messaging.simulator.errors import ApiError, bad_request
from messaging.simulator.rest.call import Answer, Call, routes

if TYPE_CHECKING:
    from messaging.simulator.people import Group


def _groups(call: Call) -> list[Group]:
    return call.sim.world.groups(call.instance.line, call.instance.created)


@routes.add("GET", "/group/findGroupInfos/{instance}", baileys_only=True)
async def group_info(call: Call) -> Answer:
    wanted = call.query.get("groupJid", "")
    for group in _groups(call):
        if group.jid == wanted:
            return Answer(call.instance.bodies.group_metadata(group))
    raise ApiError(404, ["Error fetching group", "Error: item-not-found"])


@routes.add("GET", "/group/fetchAllGroups/{instance}", baileys_only=True)
async def all_groups(call: Call) -> Answer:
    if "getParticipants" not in call.query:
        raise bad_request("The getParticipants needs to be informed in the query")
    rows = [call.instance.bodies.group_metadata(group) for group in _groups(call)]
    if call.query["getParticipants"] != "true":
        rows = [{k: v for k, v in row.items() if k != "participants"} for row in rows]
    return Answer(rows)


@routes.add("GET", "/group/participants/{instance}", baileys_only=True)
async def participants(call: Call) -> Answer:
    answer = await group_info(call)
    return Answer({"participants": answer.body["participants"]})
