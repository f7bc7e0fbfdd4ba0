import bisect
import calendar
import collections
import collections.abc
import copy
import csv
import heapq
import io
import itertools as it
import json
import math, re
import operator
import statistics
import string
import textwrap
import urllib.parse
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, getcontext
from fractions import Fraction
from functools import lru_cache, partial, reduce, wraps
from itertools import accumulate, chain, groupby
from math import *
from types import SimpleNamespace

print(json.dumps({"b": [1, None, True], "a": "é"}, sort_keys=True, indent=1), json.loads('{"x": [1.5]}'))
print(math.pi, floor(2.7), sqrt(16), math.isclose(0.1 + 0.2, 0.3), math.comb(5, 2), math.inf > 1)
print(re.findall(r"(\w)(\d)", "a1b2"), re.sub(r"\d", lambda m: str(int(m[0]) * 2), "a1b2"), re.split(r"\s+", "a  b"))
print(re.sub(r"(\w)(\d)", r"\2<\1>", "a1b2"), re.compile(r"(x)").sub(r"[\g<1>]", "axb"))
m = re.match(r"(?P<year>\d{4})-(?P<month>\d\d)", "2026-11")
print(m.groupdict(), m.group(1), m.span(), bool(re.search("x", "abc")), re.compile("a", re.I).match("A").group())
c = Counter("abracadabra")
c["z"] += 1
c.update("zz")
d = defaultdict(list)
d["x"].append(1)
d["y"] += [2]
nested = defaultdict(lambda: defaultdict(int))
nested["a"]["b"] += 1
q = deque([1, 2, 3], maxlen=3)
q.append(4)
q.appendleft(0)
print(c.most_common(2), dict(d), json.dumps(nested), q, OrderedDict(a=1), isinstance(d, collections.abc.Mapping))
Point = namedtuple("Point", "x y", defaults=[0])
p = Point(1)
print(p, p._replace(y=5), p._asdict(), Point._fields, Point._make([3, 4]), p == (1, 0), p.x)
start = datetime(2026, 11, 21, 10, 30, tzinfo=timezone.utc)
print(start.isoformat(), start + timedelta(days=1, hours=2), (date(2026, 12, 25) - date(2026, 11, 21)).days, start.strftime("%d %b %Y"))
print(datetime.strptime("2026-11-21 10:00", "%Y-%m-%d %H:%M"), date.fromisoformat("2026-01-31").weekday(), start.date() < date.max)
print(Decimal("1.005").quantize(Decimal("0.01"), rounding=ROUND_HALF_UP), Fraction(1, 3) + Fraction(1, 6), Decimal("0.1") * 3)
getcontext().prec = 5
print(Decimal(1) / 3, statistics.mean([1, 2, 3, 4]), statistics.median([1, 5, 2]), statistics.stdev([1, 2, 4]))
print(list(it.islice(it.count(5), 2)), list(accumulate([1, 2, 3])), list(chain([1], [2])), [(k, list(g)) for k, g in groupby("aab")])
print(list(it.product("ab", [1, 2])), list(it.combinations("abc", 2)), list(it.zip_longest("ab", "c", fillvalue="-")))
print(reduce(lambda x, y: x * y, [1, 2, 3, 4]), partial(pow, 2)(5), sorted([{"a": 2}, {"a": 1}], key=operator.itemgetter("a")))
print(sorted([SimpleNamespace(a=2), SimpleNamespace(a=1)], key=operator.attrgetter("a")), operator.methodcaller("upper")("x"))
h = [5, 1, 3]
heapq.heapify(h)
heapq.heappush(h, 0)
print(heapq.heappop(h), heapq.nlargest(2, h), bisect.bisect([1, 3, 5], 3), copy.deepcopy({"a": [1]}), string.digits)
print(list(csv.DictReader(io.StringIO("a,b\n1,2\n"))), textwrap.shorten("a long line of words", 10), calendar.monthrange(2026, 2))
out = io.StringIO()
writer = csv.writer(out)
writer.writerow(["x", "y,z"])
print(repr(out.getvalue()), urllib.parse.urlencode({"q": "a b"}), urllib.parse.quote("a/b", safe=""))
urlparsed = urllib.parse.urlparse("http://host:80/p?q=1")
print(urlparsed.netloc, urlparsed.query, calendar.month_name[2])


def logged(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


@logged
@lru_cache(maxsize=None)
def slow(n):
    """Be slow."""
    return n * 2


print(slow(2), slow(2), slow.calls, slow.__name__, slow.__doc__)
ns = SimpleNamespace(a=1)
ns.b = 2
ns.a += 1
print(ns, vars(ns))
import base64, hashlib, html, uuid, random, time, unicodedata, numbers, struct, difflib, pprint, ast

random.seed(3)
print(random.randint(1, 100), random.choice("abc"), random.sample(range(10), 3), hashlib.sha256(b"x").hexdigest()[:8])
print(base64.b64encode(b"hi").decode(), html.escape("<a>"), uuid.UUID(int=5), unicodedata.name("é"), struct.pack(">I", 5))
print(difflib.get_close_matches("appel", ["ape", "apple"]), ast.literal_eval("[1, {'a': 2}]"), isinstance(1, numbers.Number))
pprint.pprint({"b": 1, "a": [1, 2]})
begin = time.time()
time.sleep(0)
print(time.time() >= begin, time.strftime("%Y", time.gmtime(0)), pprint.pformat([1]))
