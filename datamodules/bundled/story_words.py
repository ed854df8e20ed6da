"""Who the bundled stories are about, where they live, and how a story opens and closes."""

from __future__ import annotations

GIRLS = ("Lily", "Mia", "Anna", "Rosa", "Tilly", "Nora", "Ella", "Zoe", "Ruby", "Ivy", "Clara", "Hana")
BOYS = ("Tom", "Ben", "Max", "Leo", "Sam", "Finn", "Oscar", "Theo", "Jack", "Noah", "Hugo", "Emil")
ANIMALS = ("rabbit", "fox", "bear", "mouse", "duck", "hedgehog", "squirrel", "kitten", "puppy", "badger")
TRAITS = ("little", "cheerful", "curious", "quiet", "brave", "kind", "playful", "gentle", "clever", "shy")
ELDERS = ("Grandma", "Grandpa", "Mum", "Dad", "Aunt May", "Uncle Joe")

# Subject, possessive, object.
SHE, HE = ("she", "her", "her"), ("he", "his", "him")

HOMES = (
    "in a small house by the sea",
    "at the edge of a big forest",
    "next to a green meadow",
    "in a red house on a hill",
    "near a wide blue lake",
    "at the end of a long road",
    "beside an old mill",
    "in a village full of flowers",
)
DAYS = (
    "One sunny morning",
    "One windy day",
    "One day after lunch",
    "One cold morning",
    "On the first day of spring",
    "One quiet afternoon",
    "On a bright Saturday",
    "Late one summer day",
)

OPENINGS = (
    "Once upon a time there was a {trait} {kind} named {hero}. {He} lived {home} with {elder}.",
    "There was once a {trait} {kind} called {hero}, who lived {home}. {hero} loved to visit {elder}.",
    "{hero} was a {trait} {kind}. {He} lived {home}, and {his} best friend was {friend}.",
    "In a place not far from here lived a {trait} {kind}. {His} name was {hero}, and {his} home was {home}.",
    "A {trait} {kind} named {hero} lived {home}. Everyone there knew {hero} and {friend}.",
)
CLOSINGS = (
    "From that day on, {hero} and {friend} were even better friends.",
    "That night {hero} fell asleep with a smile.",
    "{hero} went home happy and told {elder} all about it.",
    "And {hero} never forgot that day.",
    "When the stars came out, {hero} was tired and very happy.",
    '"What a good day," said {hero}, and {friend} thought so too.',
    "They laughed all the way home, {hero} and {friend} together.",
)
