"""A browser without scripts: it keeps cookies by host and path, follows redirects by hand, and fills in forms."""

import http.client
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit


class Page:
    """An answer."""

    def __init__(self, address, status, headers, text):
        self.address, self.status, self.text = address, status, text
        location = headers.get("location")
        self.location = urljoin(address, location) if location else None
        self.cookies = headers.get_all("set-cookie") or []


class Form(HTMLParser):
    """The first form of a page, and its links."""

    def __init__(self, text):
        super().__init__()
        self.action, self.fields, self.links = None, {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = attrs["action"]
        elif tag == "input" and attrs.get("name"):
            self.fields[attrs["name"]] = attrs.get("value", "")
        elif tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])


class Browser:
    """Somebody's browser."""

    def __init__(self):
        self.cookies = {}

    def go(self, address, form=None):
        """Asks for an address, or sends a form to it. Follows nothing."""
        parts = urlsplit(address)
        headers = {}
        sent = [
            f"{name}={value}"
            for (host, path, name), value in self.cookies.items()
            if host == parts.netloc and parts.path.startswith(path)
        ]
        if sent:
            headers["cookie"] = "; ".join(sent)
        body = None
        if form is not None:
            body = urlencode(form)
            headers["content-type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        path = parts.path + ("?" + parts.query if parts.query else "")
        connection.request("GET" if form is None else "POST", path, body, headers)
        answer = connection.getresponse()
        page = Page(address, answer.status, answer.headers, answer.read().decode())
        connection.close()
        for cookie in page.cookies:
            self.keep(parts.netloc, cookie)
        return page

    def keep(self, host, cookie):
        """Keeps a cookie, or forgets it when it has no value."""
        pair, *rest = cookie.split("; ")
        name, value = pair.split("=", 1)
        parts = [part.partition("=") for part in rest]
        attributes = {key.lower(): value for key, _, value in parts}
        key = (host, attributes.get("path", "/"), name)
        if value and attributes.get("max-age") != "0":
            self.cookies[key] = value
        else:
            self.cookies.pop(key, None)

    def follow(self, page, until):
        """Follows redirects up to an address that begins like this, which is not asked for."""
        while page.status in (302, 303):
            if page.location.startswith(until):
                return page.location
            page = self.go(page.location)
        return page

    def session(self, host):
        """The session's token."""
        return self.cookies[(host, "/", "bursar_session")]
