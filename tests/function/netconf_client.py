"""A NETCONF client inside the probe's namespace: requests of lines of JSON, replies likewise.

python -m tests.function.netconf_client PORT USER PASSWORD
"""

import json
import logging
import sys
import warnings


def main() -> None:
    """Sends the body of each request, and prints the whole reply; for null, a notification."""
    # What others warn of in their own packages is not what is looked at here.
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    from ncclient import manager  # noqa: PLC0415  # after the warnings
    from ncclient.operations import RaiseMode  # noqa: PLC0415
    from ncclient.xml_ import to_ele  # noqa: PLC0415

    port, user, password = int(sys.argv[1]), *sys.argv[2:]
    with manager.connect(
        host="127.0.0.1",
        port=port,
        username=user,
        password=password,
        hostkey_verify=False,
        allow_agent=False,
        look_for_keys=False,
        timeout=60,
    ) as client:
        client.raise_mode = RaiseMode.NONE
        print(json.dumps(list(client.server_capabilities)), flush=True)
        for line in sys.stdin:
            if json.loads(line) is None:
                heard = client.take_notification(timeout=60)
                print(json.dumps(heard.notification_xml if heard else ""), flush=True)
                continue
            print(json.dumps(client.rpc(to_ele(json.loads(line))).xml), flush=True)


if __name__ == "__main__":
    main()
