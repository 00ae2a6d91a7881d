"""edit-config, copy-config, delete-config (RFC 6241 sections 7.2 to 7.4)."""

from typing import TYPE_CHECKING, cast

from nf.mgmt.netconf.names import DEFAULTS
from nf.mgmt.netconf.operations.reading import with_defaults
from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.request import Request, one_of, wrong
from nf.mgmt.netconf.xml import element
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml import etree

    from nf.mgmt.core import DefaultOperation, ErrorOption, TestOption

__all__ = ["DEFAULT_OPERATIONS", "config_of", "copy_config", "delete_config", "edit_config"]

DEFAULT_OPERATIONS = ("merge", "replace", "none")


def edit_config(request: Request) -> Reply:
    """Edits running or the candidate."""
    given = request.parameters(
        "target", "default-operation", "test-option", "error-option", "config", "url"
    )
    target = request.store(given, "target")
    config = config_of(request, given)
    operation = one_of(given.get("default-operation"), *DEFAULT_OPERATIONS)
    test = one_of(given.get("test-option"), "test-then-set", "set", "test-only")
    on_error = one_of(
        given.get("error-option"), "stop-on-error", "continue-on-error", "rollback-on-error"
    )
    request.core.edit_config(
        request.session,
        target,
        config,
        default_operation=cast("DefaultOperation", operation or "merge"),
        test_option=cast("TestOption | None", test),
        error_option=cast("ErrorOption", on_error or "stop-on-error"),
    )
    return Reply()


def copy_config(request: Request) -> Reply:
    """Replaces a datastore as a whole."""
    given = request.parameters("target", "source", with_defaults=DEFAULTS)
    target, url = request.store_or_url(given, "target")
    source = request.store_or_config(given, "source")
    if (mode := with_defaults(given.get("with-defaults"))) != "explicit":
        # RFC 6243 section 4.5.3 leaves a datastore as target to the server: values that nobody
        # set would be set from then on.
        raise RpcErrors.of(
            type="protocol",
            tag="operation-not-supported",
            message=f"a datastore is copied as it is, not with defaults as in {mode}",
            info=(("bad-element", "with-defaults"),),
        )
    if target is not None:
        request.core.copy_config(request.session, source, target)
    elif url is not None:
        tree = request.core.source(request.session, source)
        request.files.write(url, tree.to_xml())
    return Reply()


def delete_config(request: Request) -> Reply:
    """Deletes the start-up configuration, or a file."""
    target, url = request.store_or_url(request.parameters("target"), "target")
    if target is not None:
        request.core.delete_config(request.session, target)
    elif url is not None:
        request.files.delete(url)
    return Reply()


def config_of(request: Request, given: "Mapping[str, etree._Element]") -> bytes:
    """The `<config>` that an edit brings, or names with a URL.

    Raises:
        RpcErrors: It does neither, or both.
    """
    if "config" in given and "url" in given:
        raise wrong("bad-element", "url", "an edit has a config or an url, not both")
    if "url" in given:
        return request.config_at(given["url"])
    if "config" not in given:
        raise wrong("missing-element", "config", "an edit needs a config or an url")
    return element(given["config"])
