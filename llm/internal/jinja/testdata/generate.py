"""Writes random templates, one JSON string a line: generate.py SEED COUNT."""
import json
import random
import sys
from random import choice

random.seed(int(sys.argv[1]))

ATOMS = [
    '1', '0', '-3', '2.5', "''", "'a'", "'Hello World'", "' x y '", "'a,b,,c'", "'né😀ß'", 'none', 'true', 'false',
    'nothing', '[]', '[1,2,3]', "['b','A','a']", '{}', "{'a': 1, 'b': [2, 'x']}", '(1,2)', '()', 'messages',
    'messages[0]', 'messages[2].name', 'messages[0].content', 'range(3)', "'12'", "'3.7'", 'namespace(a=1).a',
    "'x\\ny\\r\\nz'", '[[1,2],[3]]', '[none]', "'%s-%s'", "'{}'", "{'items': 2}", '1.0', '10**3', "'<a>'"
]
FILTERS = [
    'abs', 'capitalize', 'count', "default('d')", "default('d', true)", 'dictsort', 'e', 'first', 'float',
    'format(1, 2)', 'indent', 'int', 'int(9)', 'items', 'join', "join(',')", 'last', 'length', 'list', 'lower',
    "map('upper')", "map('string')", "map(attribute='role')", "map(attribute='a', default=0)", 'max', 'min',
    'reject', "reject('none')", "replace('a','X')", "replace('','-')", 'reverse', 'round', 'round(1)', 'select',
    "select('string')", "selectattr('role')", "selectattr('role','equalto','user')", 'sort', 'sort(reverse=true)',
    'string', 'sum', 'title', 'tojson', 'tojson(indent=2)', 'trim', 'truncate(5)', 'unique', 'upper', 'wordcount',
    'batch(2)', 'slice(2)', 'center(9)', 'safe', "groupby('role')", "rejectattr('name','defined')",
    "sort(attribute='role')"
]
TESTS = [
    'boolean', 'callable', 'defined', 'divisibleby(2)', 'eq(1)', 'even', 'false', 'float', "in([1,'a',none])",
    "in('abc')", 'integer', 'iterable', 'lower', 'mapping', "ne('a')", 'none', 'number', 'odd', 'sequence',
    'string', 'true', 'undefined', 'upper', 'gt(1)', "lt('b')", 'sameas(none)'
]
METHODS = [
    'split()', "split(',')", "split(',', 1)", "rsplit(' ', 1)", 'strip()', "lstrip('H')", 'rstrip()', 'upper()',
    'lower()', 'title()', 'capitalize()', "startswith('H')", "endswith('d')", "replace('l','L')",
    "replace('l','L',1)", "find('o')", "rfind('o')", "count('l')", "join(['x','y'])", 'splitlines()', 'isdigit()',
    'isalpha()', 'isalnum()', 'isspace()', 'isupper()', 'islower()', "partition(',')", "rpartition(',')",
    "removeprefix('H')", "get('a')", "get('z', 5)", 'keys()', 'values()', 'items()', 'zfill(5)', 'center(6)',
    'index(1)', 'count(1)', 'format(1)', 'role', 'content', 'a', 'b[1]', 'nope', 'x.y', 'isdecimal()',
    "ljust(4,'.')", 'rjust(4)', 'casefold()'
]
SUBS = [
    '[0]', '[-1]', '[1:]', '[:2]', '[::-1]', "['a']", "['role']", '[9]', '[:-1]', '[::2]', '[none]', '[true]',
    '[1:2]', "['b'][0]"
]
OPS = [
    '+', '-', '*', '/', '//', '%', '~', '==', '!=', '<', '>', '<=', '>=', 'in', 'not in', 'and', 'or', '**'
]
NAMED = [
    "a", "b", "c", "x", "m", "ns.v", "loop.index", "loop.first", "loop.last", "m.role", "m.content", "a ~ b", "x + 1", "f(a)", "f()", "g(2)",
    "f(1, b=x)", "loop.previtem", "loop.nextitem", "loop.length", "caller()", "varargs", "loop.cycle(1,2)", "loop.changed(a)", "[a, b]",
]
LOOPS = ["messages", "[1,2,3]", "range(3)", "'ab'", "messages|selectattr('name','defined')", "{'k': 1}", "messages[1:]", "[]", "x", "a"]


def expr(depth):
    if depth <= 0:
        return choice(ATOMS)
    inner = expr(depth - 1)
    return choice([
        lambda: choice(ATOMS),
        lambda: f"({inner}) | {choice(FILTERS)}",
        lambda: f"{inner}|{choice(FILTERS)}",
        lambda: f"({inner}) is {choice(['', 'not '])}{choice(TESTS)}",
        lambda: f"({inner}).{choice(METHODS)}",
        lambda: f"({inner}){choice(SUBS)}",
        lambda: f"{inner} {choice(OPS)} {expr(depth - 1)}",
        lambda: f"({inner}) {choice(OPS)} ({expr(depth - 1)})",
        lambda: f"({inner} if {expr(depth - 1)} else {expr(depth - 1)})",
        lambda: f"not {inner}",
        lambda: f"[{inner}, {expr(depth - 1)}]",
        lambda: f"{{'k': {inner}}}",
    ])()


def value():
    return choice(NAMED) if random.random() < 0.7 else expr(2)


def tag(text):
    return "{%" + choice(["", "-", "+", ""]) + f" {text} " + choice(["", "-", "", "+"]) + "%}"


def space():
    return choice(["", " ", "\n", "\n  ", "x\n", "\r\n", "\t"])


def block(depth):
    return "".join(space() + statement(depth) for _ in range(random.randint(1, 3))) + space()


def loop(depth):
    condition = f" if {expr(1)}" if random.random() < 0.2 else ""
    jump = tag(f"if {value()}") + tag(choice(["break", "continue"])) + tag("endif") if random.random() < 0.2 else ""
    otherwise = tag("else") + block(depth) if random.random() < 0.2 else ""
    return tag(f"for {choice('mxa')} in {choice(LOOPS)}{condition}") + block(depth) + jump + otherwise + tag("endfor")


def statement(depth):
    def around(begin, end):
        return tag(begin) + block(depth - 1) + tag(end)

    if depth <= 0:
        return "{{ " + value() + " }}"
    return choice([
        lambda: "{{" + choice(["", "-"]) + f" {value()} " + choice(["", "-"]) + "}}",
        lambda: "{#" + choice(["", "-", "+"]) + " c " + choice(["", "-", "+"]) + "#}",
        lambda: tag("raw").replace("+%}", "%}") + " {{ x }} \n " + tag("endraw"),
        lambda: tag(f"set {choice('abcx')} = {value()}"),
        lambda: tag(f"set ns.v = {value()}"),
        lambda: tag(f"if {value()}") + block(depth - 1) + tag(f"elif {value()}") + block(depth - 1) + tag("else") + block(depth - 1) + tag("endif"),
        lambda: loop(depth - 1),
        lambda: loop(depth - 1),
        lambda: around(f"macro {choice('fg')}({choice(['', 'a', 'a, b=2', 'a=x', 'q=1, b=a'])})", "endmacro"),
        lambda: around(f"set {choice('abcx')}{choice(['', ' | upper', ' | trim'])}", "endset"),
        lambda: around(f"call {choice('fg')}({choice(['', '1', 'a'])})", "endcall"),
        lambda: around(f"with {choice('abcx')} = {value()}", "endwith"),
        lambda: around(f"filter {choice(['upper', 'trim', 'lower'])}", "endfilter"),
        lambda: around("generation", "endgeneration"),
    ])()


BEGIN = (
    "{% set ns = namespace(v=0) %}{% macro f(a, b=1) %}[{{ a }}{{ b }}]{% endmacro %}"
    "{% macro g() %}g{{ x }}{{ caller() if caller is defined }}{% endmacro %}{% set a = 1 %}{% set b = 'b' %}"
)
for i in range(int(sys.argv[2])):
    print(json.dumps("{{ " + expr(random.randint(1, 4)) + " }}" if i % 2 else BEGIN + block(3)))
