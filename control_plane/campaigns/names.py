"""Which names a link answers to, and which it had before. In the workspace's scope.

    code   on the link's domain; a person's or a random one; never changes, but its domain may
    gs1    on the same domain; a product's. The workspace may give it to another of its links

A name that a link gives up stays behind as a FormerName, and is published as gone. Versions of one name only
ever grow, whichever link has it, because Valkey keeps the highest: that is what the floor is for.
"""

from dataclasses import dataclass

from django.db import IntegrityError, transaction

from control_plane.campaigns.errors import CodeTaken, NameTaken
from control_plane.campaigns.models import FormerName, Link, LinkState


@dataclass(frozen=True)
class Names:
    """What a link is called: codes and GS1 names on one domain (None: the default)."""

    domain_id: int | None
    code: str
    gs1: str

    @classmethod
    def of(cls, link: Link) -> "Names":
        return cls(link.domain_id, link.code, link.gs1)

    @property
    def all(self) -> set[tuple[int | None, str]]:
        return {(self.domain_id, name) for name in (self.code, self.gs1) if name}


def claim(link: Link, before: Names | None) -> int:
    """Prepares the names of `link`, which is not saved yet. Returns the version that it has to come after.

    `before` is what it was called until now, None for a new link.
    """
    now = Names.of(link)
    if now == before:
        return 0
    floor = link.domain.first_version - 1 if link.domain else 0
    if link.gs1 and (before is None or (link.domain_id, link.gs1) not in before.all):
        floor = max(floor, _release_gs1(link))
    if before is None:
        return floor
    for domain_id, name in now.all - before.all:
        FormerName.objects.filter(domain_id=domain_id, name=name, link=link).delete()
    for domain_id, name in before.all - now.all:
        FormerName(domain_id=domain_id, name=name, link=link).save()
    return floor


def save(link: Link, *, new: bool = False) -> None:
    """Raises CodeTaken, NameTaken."""
    try:
        with transaction.atomic():
            link.save(force_insert=new)
    except IntegrityError as error:
        if "campaigns_link_code" in str(error):
            where = f" on {link.domain.host}" if link.domain else ""
            advice = "Choose another one, or leave it empty." if new else "Give one of the two a new code."
            raise CodeTaken(f"The code “{link.code}” is taken{where}. {advice}") from None
        if "campaigns_link_gs1" in str(error):
            raise NameTaken(
                f"Another link has the GS1 name /{link.gs1} on this domain already. Take it from there first."
            ) from None
        raise


def _release_gs1(link: Link) -> int:
    """Takes the GS1 name from links of this workspace that were deleted or gave it up.

    Returns the highest version they may have published it with. The locks keep an edit that still publishes
    the name as gone from overtaking this one.
    """
    floor = 0
    deleted = Link.objects.filter(domain_id=link.domain_id, gs1=link.gs1, state=LinkState.DELETED)
    for holder in deleted.exclude(id=link.pk).select_for_update():
        floor = max(floor, holder.version)
        Link.objects.filter(id=holder.pk).update(gs1="")
    for former in FormerName.objects.filter(domain_id=link.domain_id, name=link.gs1).exclude(link_id=link.pk):
        floor = max(floor, Link.objects.select_for_update().get(id=former.link_id).version)
        former.delete()
    return floor
