"""`scanway key create`: an API key of a workspace, printed once."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from control_plane.accounts.errors import AccountsError
from control_plane.accounts.keys import create_key
from control_plane.accounts.permissions import KeyScope
from control_plane.accounts.services import find_workspace


class Command(BaseCommand):
    # Not the URL table: it would import the whole console for a command that needs the database alone.
    requires_system_checks = []
    help = "Create an API key. The key is the last line of the output; it is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", required=True, help="The workspace's slug, as in its address.")
        parser.add_argument("--name", required=True)
        parser.add_argument(
            "--scopes", default=",".join(KeyScope), help="With commas; all of them by default."
        )
        parser.add_argument("--days", type=int, help="Days until it expires; never by default.")

    def handle(self, *args: Any, **options: Any) -> None:
        scopes = [scope.strip() for scope in options["scopes"].split(",") if scope.strip()]
        expires_at = timezone.now() + timedelta(days=options["days"]) if options["days"] is not None else None
        try:
            workspace = find_workspace(slug=options["workspace"])
            made = create_key(
                workspace_id=workspace.pk, name=options["name"], scopes=scopes, expires_at=expires_at
            )
        except AccountsError as error:
            raise CommandError(f"{error.field}: {error}" if error.field else str(error)) from None
        self.stdout.write(f"created key “{made.key.name}” for {workspace.name}: {', '.join(made.key.scopes)}")
        self.stdout.write("Keep it safe; it is not shown again:")
        self.stdout.write(made.secret)
