"""A life with many readers at once: two from now on in one scope, readers beside readers, all ends, and forgetting after each."""

from __future__ import annotations

from memsync.format.rights import READ, WRITE
from tests.format.story import Story


def tell(label: str = "crowd") -> Story:
    """Eleven pushes; the last leaves no reader."""
    story = Story(label)
    story.add_device("laptop")
    story.add_device("phone")
    for scope in ("home", "work", "health"):
        story.add_scope(scope)
    first = [story.remember("home", f"From the beginning, number {number}.") for number in range(4)]
    story.remember("work", "Work from the beginning.")
    story.remember("health", "Health from the beginning.")
    story.push()  # 1

    story.grant("Elder", "home", READ, from_now_on=True)
    story.remember("home", "Just before the elder's time.")
    story.push()  # 2: epoch 1 of home

    since_elder = story.remember("home", "In the elder's time.")
    story.grant("Younger", "home", READ, from_now_on=True)
    story.grant("Whole", "home", READ)
    story.grant("Other", "work", READ)
    story.push()  # 3: epoch 2 of home

    story.forget("home", first[0])
    both = story.remember("home", "In the time of both.")
    story.grant("Doctor", "health", READ | WRITE)
    story.grant("Courier", "health", WRITE)
    story.push()  # 4: rewrites what neither elder nor younger may read

    story.propose("Doctor", "Blood pressure is fine.")
    story.propose("Courier", "A parcel waits at the door.")
    story.accept("Doctor", 0)
    story.remember("work", "Bob reviews on Mondays.")
    story.push()  # 5

    story.revoke("Whole")
    story.remember("home", "After the one who read all.")
    story.remember("work", "Work goes on.")
    story.push()  # 6: epoch 3 of home

    story.forget("home", first[1])
    story.forget("home", both)
    story.push()  # 7: rewrites epochs 0 and 2

    story.remove_device("phone")
    for scope in ("home", "work", "health"):
        story.remember(scope, f"After the phone was lost, {scope}.")
    story.push()  # 8: generation 1, every scope rotates

    story.forget("home", since_elder)
    story.forget("home", first[2])
    story.propose("Doctor again", "Come back in May.")
    story.push()  # 9: rewrites epochs 0 and 1

    story.grant("Latecomer", "home", READ, from_now_on=True)
    story.push()  # 10

    for name in ("Elder", "Younger", "Latecomer", "Doctor again", "Courier again", "Other"):
        story.revoke(name)
    for scope in ("home", "work", "health"):
        story.remember(scope, f"For the owner alone, {scope}.")
    story.push()  # 11: the pointer key moves on
    return story
