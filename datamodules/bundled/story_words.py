"""Who the bundled stories are about, where they live, and how a story opens and closes.

Every opening and every closing names the hero and the friend, so that a whole story is theirs.
"""

from __future__ import annotations

SHE, HE = ("she", "her", "her"), ("he", "his", "him")  # subject, possessive, object
# Name, what kind of animal, and the pronouns. They turn up in story after story, as in a picture book's series.
HEROES = (
    ("Mia", "mouse", SHE),
    ("Rosa", "rabbit", SHE),
    ("Sally", "squirrel", SHE),
    ("Finn", "fox", HE),
    ("Ben", "bear", HE),
    ("Otto", "otter", HE),
    ("Lena", "lamb", SHE),
    ("Max", "mole", HE),
)
FRIENDS = (
    ("Dora", "duck", SHE),
    ("Greta", "goose", SHE),
    ("Hana", "hamster", SHE),
    ("Henry", "hedgehog", HE),
    ("Paul", "puppy", HE),
    ("Bruno", "badger", HE),
    ("Kate", "kitten", SHE),
    ("Oscar", "owl", HE),
)
TRAITS = ("little", "cheerful", "curious", "quiet", "brave", "kind", "playful", "gentle", "clever", "shy")
ELDERS = ("grandma", "grandpa", "mum", "dad", "aunt", "uncle")

HOUSES = ("small house", "red house", "little hut", "white mill", "cosy cottage", "tall tower")
PLACES = (
    "by the sea",
    "at the edge of a forest",
    "next to a green meadow",
    "on a hill",
    "near a blue lake",
    "at the end of a long road",
    "behind the village",
)

# How a story opens, and which day its plot may then name.
OPENINGS = (
    "Once upon a time there was a {trait} {kind} named {hero}. {He} lived in a {house} {place}, and {his} best friend "
    "was {friend} the {friend_kind}.",
    "Once upon a time a {trait} {kind} named {hero} lived in a {house} {place}. {His} best friend was {friend} the "
    "{friend_kind}.",
    "There was once a {trait} {kind} called {hero}. {He} and {friend} the {friend_kind} lived in a {house} {place}.",
    "In a {house} {place} lived a {trait} {kind} named {hero}. {He} had a good friend, {friend} the {friend_kind}.",
)
DAYS = (
    "One sunny morning",
    "One windy day",
    "One cold morning",
    "On the first day of spring",
    "One quiet afternoon",
    "On a bright autumn day",
    "Late one summer day",
)
OPENINGS_OF_A_DAY = (
    "One day a {trait} {kind} named {hero} went to see {friend} the {friend_kind}, who lived in a {house} {place}.",
    "One day a {trait} {kind} named {hero} had a visit from {friend} the {friend_kind}, who lived {place}.",
)
TIMES_OF_A_DAY = ("After lunch", "In the afternoon", "A little later", "Before supper", "After the rain")

CLOSINGS = (
    "From that day on, {hero} and {friend} were even better friends.",
    "That night {hero} fell asleep with a smile and dreamed of {friend}.",
    "{hero} and {friend} never forgot that day.",
    "When the stars came out, {hero} and {friend} were tired and very happy.",
    '"What a good day," said {hero}, and {friend} thought so too.',
    "{hero} and {friend} laughed all the way home.",
    "{hero} went home with {friend} and told {his} {elder} all about it.",
)
