"""Query strings: an unknown parameter is refused by name; a typo would change the answer in silence."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, get_args

from django.http import HttpRequest
from pydantic import BaseModel

from control_plane.api.problem import FieldError, invalid


def strict_query(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view, behind a check that each query parameter is a field of its `Query[...]` argument."""
    known = _parameters(view)

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        unknown = [name for name in request.GET if name not in known]
        if unknown:
            there_are = f"Use {', '.join(sorted(known))}." if known else "There are none here."
            raise invalid(
                *(
                    FieldError(name[:100], f"There is no parameter “{name[:40]}”. {there_are}")
                    for name in unknown[:20]
                )
            )
        return view(request, *args, **kwargs)

    return checked


def _parameters(view: Callable[..., Any]) -> frozenset[str]:
    annotations = (parameter.annotation for parameter in inspect.signature(view).parameters.values())
    models = (get_args(annotation)[:1] or (annotation,) for annotation in annotations)
    return frozenset(
        name
        for (model,) in models
        if isinstance(model, type) and issubclass(model, BaseModel) and model.__name__.endswith("Query")
        for name in model.model_fields
    )
