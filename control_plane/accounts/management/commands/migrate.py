"""`migrate`, as the owner of the tables; afterwards the application's role gets its rights."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import DEFAULT_DB_ALIAS, connections

from control_plane.accounts.grants import grant


class Command(MigrateCommand):
    # Not the URL table: it would import the whole console for a command that needs the database alone.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner" if "owner" in settings.DATABASES else DEFAULT_DB_ALIAS)

    def handle(self, *args: Any, **options: Any) -> None:
        application = settings.DATABASES[DEFAULT_DB_ALIAS]["USER"]
        owner = settings.DATABASES[options["database"]]["USER"]
        if owner == application:
            raise CommandError(
                "Migrations run as the owner of the tables, which must be another role than the "
                "application's. Set SCANWAY_DATABASE_OWNER_URL."
            )
        super().handle(*args, **options)
        grant(connections[options["database"]], application)
