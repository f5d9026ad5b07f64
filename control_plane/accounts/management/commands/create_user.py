"""`scanway user create`: an account, and a workspace of its own where one is named."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from control_plane.accounts.errors import AccountsError
from control_plane.accounts.models import User
from control_plane.accounts.services import create_user, create_workspace


class Command(BaseCommand):
    # Not the URL table: it would import the whole console for a command that needs the database alone.
    requires_system_checks = []
    help = "Create an account, and with --workspace a workspace that it owns."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", help="Asked for when left out.")
        parser.add_argument("--name", default="")
        parser.add_argument("--workspace", default="", help="Name of a new workspace, owned by this account.")
        parser.add_argument("--if-no-users", action="store_true", help="Do nothing where any account exists.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_no_users"] and User.objects.exists():
            self.stdout.write("unchanged: there are accounts already.")
            return
        password = options["password"] or getpass.getpass("Password: ")
        try:
            with transaction.atomic():
                user = create_user(email=options["email"], password=password, name=options["name"])
                self.stdout.write(f"created account: {user.email}")
                if options["workspace"]:
                    workspace = create_workspace(name=options["workspace"], owner=user)
                    self.stdout.write(f"created workspace: {workspace.name} (slug: {workspace.slug})")
        except AccountsError as error:
            raise CommandError(f"{error.field}: {error}" if error.field else str(error)) from None
