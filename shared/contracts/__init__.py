"""
The published language: what the four services say, in which envelope, on which topic.

One module per owning service; the owner reviews every change to it. Consumers ignore unknown fields and
unknown types. Within ``.v1`` a change only ever adds: a new optional field or a new type.
"""
