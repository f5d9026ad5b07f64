"""The keys that sign a workspace's passes."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from control_plane.accounts.models import TenantModel
from edge.token import Algorithm, KeyState


class SigningKey(TenantModel):
    """One key. Its number is in every token it signs, and says which algorithm the token has."""

    number = models.PositiveIntegerField()
    algorithm = models.CharField(max_length=12)
    state = models.CharField(max_length=12)
    secret = models.BinaryField()
    """Encrypted by `vault`; for ed25519 the private key."""
    public = models.BinaryField(blank=True, default=b"")
    created_at = models.DateTimeField(default=timezone.now)
    state_since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "number"], name="signing_key_number"),
            models.UniqueConstraint(
                fields=["workspace", "algorithm"],
                name="signing_key_one_active",
                condition=Q(state=KeyState.ACTIVE.value),
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1) & Q(number__lte=65_535), name="signing_key_number_range"
            ),
            models.CheckConstraint(
                condition=Q(algorithm__in=[one.value for one in Algorithm]), name="signing_key_algorithm"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[one.value for one in KeyState]), name="signing_key_state"
            ),
        ]

    def __str__(self) -> str:
        return f"key {self.number} ({self.algorithm}, {self.state})"
