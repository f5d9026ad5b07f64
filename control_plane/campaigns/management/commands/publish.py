"""`scanway publish --all`: write every link and domain from PostgreSQL to Valkey."""

import time
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError, CommandParser

from control_plane.campaigns.publish import publish_all, sweep


class Command(BaseCommand):
    # Not the URL table: it would import the whole console for a command that needs the database alone.
    requires_system_checks = []
    help = "Publish links and domains to Valkey: those that are waiting, or with --all every one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="All of them, not only those that are waiting."
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="With --all: also over newer versions, after an older backup of PostgreSQL was restored.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["force"] and not options["all"]:
            raise CommandError("--force goes with --all.")
        start = time.perf_counter()
        try:
            count = publish_all(force=options["force"]) if options["all"] else sweep().published
        except (redis.RedisError, OSError) as error:
            raise CommandError(f"Valkey cannot be reached: {error}. Check SCANWAY_REDIS_URL.") from None
        self.stdout.write(f"published {count} links and domains in {time.perf_counter() - start:.2f} s")
