"""The `network` extension: addresses and their ranges, in the strict forms that the extension takes."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, ClassVar, Final

from router.language.cel.failure import WhereFailed
from router.language.cel.values import Overloads

__all__ = ["NETWORK", "Cidr", "Ip"]


@dataclass(frozen=True, slots=True)
class Ip:
    """An address of version 4 or 6."""

    cel_name: ClassVar[str] = "net.IP"
    address: IPv4Address | IPv6Address

    def __str__(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True)
class Cidr:
    """An address and how many of its bits name a network."""

    cel_name: ClassVar[str] = "net.CIDR"
    address: IPv4Address | IPv6Address
    length: int

    def __str__(self) -> str:
        return f"{self.address}/{self.length}"


def _ip(text: str) -> Ip:
    try:
        address = ip_address(text)
    except ValueError as error:
        raise WhereFailed(f"'{text[:60]}' is no IP address") from error
    if isinstance(address, IPv6Address):
        if address.scope_id or "." in text:
            raise WhereFailed(f"'{text[:60]}' is an IP address with a zone or of mixed notation")
        return Ip(address.ipv4_mapped or address)
    return Ip(address)


def _cidr(text: str) -> Cidr:
    address, _, length = text.partition("/")
    found = _ip(address).address
    if not (length.isascii() and length.isdecimal()) or str(int(length)) != length or int(length) > found.max_prefixlen:
        raise WhereFailed(f"'{text[:60]}' is no CIDR: write it as 10.0.0.0/8")
    return Cidr(found, int(length))


def _is(parse: Any) -> Any:
    def is_one(text: str) -> bool:
        try:
            parse(text)
        except WhereFailed:
            return False
        return True

    return is_one


def _network(cidr: Cidr) -> Any:
    return ip_network((cidr.address, cidr.length), strict=False)


def _contains_ip(cidr: Cidr, ip: Ip) -> bool:
    return ip.address in _network(cidr)


def _contains_cidr(cidr: Cidr, other: Cidr) -> bool:
    return cidr.address.version == other.address.version and bool(_network(other).subnet_of(_network(cidr)))


def _global_unicast(ip: Ip) -> bool:
    address = ip.address
    broadcast = isinstance(address, IPv4Address) and str(address) == "255.255.255.255"
    return not (
        address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local or broadcast
    )


def _link_local_multicast(ip: Ip) -> bool:
    local = "224.0.0.0/24" if ip.address.version == 4 else "ff02::/16"
    return ip.address in ip_network(local)


NETWORK: Final[Overloads] = {
    "ip": {(str,): _ip, (Ip,): lambda ip: ip, (Cidr,): lambda cidr: Ip(cidr.address)},
    "cidr": {(str,): _cidr, (Cidr,): lambda cidr: cidr},
    "isIP": {(str,): _is(_ip)},
    "isCIDR": {(str,): _is(_cidr)},
    "ip.isCanonical": {(str,): lambda text: str(_ip(text)) == text},
    "family": {(Ip,): lambda ip: ip.address.version},
    "isUnspecified": {(Ip,): lambda ip: ip.address.is_unspecified},
    "isLoopback": {(Ip,): lambda ip: ip.address.is_loopback},
    "isGlobalUnicast": {(Ip,): _global_unicast},
    "isLinkLocalMulticast": {(Ip,): _link_local_multicast},
    "isLinkLocalUnicast": {(Ip,): lambda ip: ip.address.is_link_local},
    "containsIP": {(Cidr, Ip): _contains_ip, (Cidr, str): lambda cidr, text: _contains_ip(cidr, _ip(text))},
    "containsCIDR": {(Cidr, Cidr): _contains_cidr, (Cidr, str): lambda cidr, text: _contains_cidr(cidr, _cidr(text))},
    "masked": {(Cidr,): lambda cidr: Cidr(_network(cidr).network_address, cidr.length)},
    "prefixLength": {(Cidr,): lambda cidr: cidr.length},
    "string": {(Ip,): str, (Cidr,): str},
}
