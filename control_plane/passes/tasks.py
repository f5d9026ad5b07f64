"""Jobs of passes. Each opens the scopes it needs; none is open when it starts."""

import logging

from procrastinate.contrib.django import app

from control_plane.passes import occupancy

log = logging.getLogger("passes")


@app.periodic(cron="* * * * * */10")
@app.task(name="passes.let_out_by_time", queueing_lock="passes.let_out_by_time")
def let_out_by_time(timestamp: int) -> None:
    """Every ten seconds: who is inside for longer than their program lets them be."""
    for workspace_id in occupancy.workspaces_with_auto_exit():
        if left := occupancy.let_out_by_time(workspace_id):
            log.info("Workspace %d: %d passes left by time.", workspace_id, left)
