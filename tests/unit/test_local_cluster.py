from plaint.local.cluster import new_cluster_id


def test_a_cluster_id_is_never_taken_for_an_option():
    """One in 64 random ids would begin with a hyphen, and Kafka's format would not know such an option."""
    assert not any(new_cluster_id().startswith("-") for _ in range(2_000))
