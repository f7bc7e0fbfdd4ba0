#!/usr/bin/env python
# -*- coding: utf-8 -*-
from __future__ import annotations, division

import locale
from collections import namedtuple
from itertools import starmap

Entry = namedtuple('Entry', 'date party category amount', defaults=(0.0,))

RECEIVED = '''2026-04-03, Buchladen Lesezeit, sales, 4380.00
2026-04-15, Cafe Treibgut, repairs, 1265.50
2026-04-25, Volkshochschule Nordhafen, courses, 412.00'''
PAID = '''2026-04-01, Planwerk Soft, software, 248.00
2026-04-10, Werkzeug Harms, equipment, 736.80
2026-04-17, Plakat und Partner, marketing, 395.25
2026-04-28, Kuestenbahn, travel, 118.60'''


def parse(block: str) -> list[Entry]:
    entries = []
    for line in filter(None, map(str.strip, block.split('\n'))):
        *texts, amount = [part.strip() for part in line.split(',')]
        entries.append(Entry(*texts, float(amount)))
    return entries


incomes = list(starmap(lambda d, p, c, a: record_income(a, p, c, d), parse(RECEIVED)))
expenses = [record_expense(date=e.date, payee=e.party, category=e.category, amount=e.amount) for e in parse(PAID)]
summary = summarize_finances('2026-04-01', '2026-04-30')
spending = summarize_spending('2026-04-01', '2026-04-30')
operating, = [a['balance'] for a in list_accounts() if a['account'] == 'operating']
print(f"{len(incomes)} receipts, {len(expenses)} payments, {len(incomes) / len(expenses):.3f}")
print('%(income).2f - %(expenses).2f = %(net).2f' % summary)
print(Entry('d', 'p', 'c'), Entry._field_defaults)
final_answer({
    'income': summary['income'],
    'expenses': summary['expenses'],
    'net': summary['net'],
    'operating_balance': operating,
    'largest_expense_category': spending[0]['category'],
})
