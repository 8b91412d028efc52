# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tests whether an address is in one of some networks, with the standard library alone."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: within
short_description: Whether an address is in one of some networks
version_added: "0.1.0"
author:
  - The Switchroom developers (@switchroom)
description:
  - An IPv4 address that is written as an IPv6 one (V(::ffff:192.0.2.1)) counts as the IPv4 address.
  - The scope of a link-local address (V(fe80::1%eth0)) does not count.
options:
  _input:
    description: The address.
    type: str
    required: true
  networks:
    description: Networks and addresses, see P(switchroom.pbx.network#test).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: The operator's own address stays allowed
  ansible.builtin.assert:
    that: "'192.0.2.7' is switchroom.pbx.within(base_ssh_networks)"
"""

RETURN = r"""
_value:
  description: Whether one of the networks has the address.
  type: bool
"""

import ipaddress

from ansible.errors import AnsibleFilterError


def within(value, networks):
    """Return whether one of ``networks`` has the address ``value``."""
    try:
        address = ipaddress.ip_address(str(value).partition("%")[0])
        places = [ipaddress.ip_network(network) for network in networks]
    except ValueError as error:
        raise AnsibleFilterError(f"No address, or no network: {error}.") from error
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in place for place in places)


class TestModule:
    """What Ansible loads."""

    def tests(self):
        """Return the test by its name."""
        return {"within": within}
