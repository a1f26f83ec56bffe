from collections import Counter


def total(orders, discount=0.0):
    """What the customer pays, after the discount."""
    amount = sum(order["price"] * order["count"] for order in orders)
    return round(amount * (1 - discount), 2)


def best_sellers(orders, limit=3):
    sold = Counter()
    for order in orders:
        sold[order["name"]] += order["count"]
    return [name for name, _ in sold.most_common(limit)]
