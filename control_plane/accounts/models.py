"""People, workspaces, and who belongs where. Rules are in the database: CHECK, UNIQUE, row-level security."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone

from control_plane.accounts.errors import ScopeError
from control_plane.accounts.permissions import Role
from control_plane.accounts.tenancy import OwnManager, TenantManager, WorkspaceManager, require_workspace_id


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=(email or "").lower())


class User(AbstractBaseUser):
    """A person. Not a tenant's row: one person may belong to several workspaces."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120, blank=True, default="")
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []
    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower")
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name or self.email.partition("@")[0]


class Workspace(models.Model):
    """A tenant. Its row is behind the wall too: visible in its own scope, and to its members' user_scope."""

    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=50, unique=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    created_at = models.DateTimeField(default=timezone.now)
    app_schemes = models.JSONField(blank=True, default=list, db_default=Value([], models.JSONField()))
    """["myapp", …]: what rules may open besides https, checked by campaigns.app_schemes."""

    objects = WorkspaceManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="workspace_name_not_empty"),
            models.CheckConstraint(
                condition=models.Q(slug__regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), name="workspace_slug_form"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    app_schemes__regex=r'^\[("[a-z][a-z0-9+.-]{1,40}"(, "[a-z][a-z0-9+.-]{1,40}"){0,19})?\]$'
                ),
                name="workspace_app_schemes_form",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TenantModel(models.Model):
    """A row that belongs to one workspace. Its table also needs `wall.protect` in its first migration."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")

    objects = TenantManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        workspace_id = require_workspace_id()
        if self.workspace_id is None:
            self.workspace_id = workspace_id
        if self.workspace_id != workspace_id:
            raise ScopeError(f"This row is of workspace {self.workspace_id}; the scope is of {workspace_id}.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        if self.workspace_id != require_workspace_id():
            raise ScopeError(f"This row is of workspace {self.workspace_id}; another scope is open.")
        return super().delete(*args, **kwargs)


ROLE_CHOICES = [
    (Role.OWNER.value, "Owner"),
    (Role.ADMIN.value, "Admin"),
    (Role.EDITOR.value, "Editor"),
    (Role.VIEWER.value, "Viewer"),
    (Role.GATE_STAFF.value, "Gate staff"),
]


class Membership(TenantModel):
    """A person's role in a workspace."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=16, choices=ROLE_CHOICES)
    created_at = models.DateTimeField(default=timezone.now)

    own = OwnManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=[r.value for r in Role]), name="membership_role"
            ),
        ]

    def __str__(self) -> str:
        return f"user {self.user_id} is {self.role} of workspace {self.workspace_id}"


class Invitation(TenantModel):
    """An open place in a workspace, for whoever shows the token. Only the token's hash is kept."""

    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=16, choices=ROLE_CHOICES)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role__in=[r.value for r in Role]), name="invitation_role"
            ),
        ]

    def __str__(self) -> str:
        return f"invitation of {self.email}"


class ApiKey(TenantModel):
    """A machine's way in. The secret is 256 random bits, shown once; its SHA-256 is kept.

    A fast hash is right here: nobody can guess 256 random bits, so there is nothing to slow down.
    """

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(hash__regex="^[0-9a-f]{64}$"), name="apikey_hash_form"),
            models.CheckConstraint(condition=~models.Q(name=""), name="apikey_name_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.name} (sw_{self.prefix}_…)"

    @property
    def is_usable(self) -> bool:
        """Neither revoked nor expired, by this machine's clock."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())
