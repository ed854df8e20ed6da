"""Plots about things: lost, out of reach, broken, or missing from the cupboard."""

from __future__ import annotations

from datamodules.bundled.story_plot import Plot, words

LOST = Plot(
    (
        words("thing", "red ball", "toy train", "blue scarf", "silver bell", "yellow boat", "wooden horse"),
        words(
            "spot|wrong|hidden",
            "garden|under the bench|behind the flower pots",
            "kitchen|under the table|inside the bread basket",
            "park|beside the pond|on a low branch",
            "barn|in the hay|in an old boot",
            "yard|near the gate|in the rain barrel",
            "attic|in the big chest|behind a pile of books",
        ),
    ),
    (
        (
            "{day}, {hero} wanted to play with {his} {thing}, but it was gone.",
            "{day}, {hero} could not find the {thing} that {he} loved so much.",
        ),
        (
            "{He} looked {wrong}, but the {thing} was not there.",
            "{hero} searched {wrong} and found only dust.",
        ),
        (
            '"Why are you so sad?" asked {friend}. "I lost my {thing}," said {hero}.',
            '"My {thing} is lost," {hero} told {friend}.',
        ),
        (
            '"Let us look in the {spot}," said {friend}.',
            "So {hero} and {friend} went to the {spot} together.",
        ),
    ),
    (
        (
            "At last {friend} looked {hidden} and found the {thing}.",
            "There was the {thing}, {hidden}, and {hero} jumped for joy.",
        ),
        (
            "{hero} thanked {friend}, and they played with the {thing} until supper.",
            '"Thank you, {friend}!" said {hero} and held the {thing} tight.',
        ),
    ),
)

STUCK = Plot(
    (
        words("thing", "kite", "balloon", "paper plane", "hat", "ball", "feather"),
        words(
            "where|tool|how",
            "at the top of the oak tree|a long ladder|climbed up step by step",
            "under the roof of the barn|a tall broom|reached up with it",
            "on the roof of the shed|a garden rake|pulled with it",
            "in the apple tree|a strong rope|shook the branch with it",
            "on the high wall|two wooden boxes|stood on top of them",
            "on the street lamp|a fishing rod|fetched it with the hook",
        ),
    ),
    (
        (
            "{day}, {hero} took {his} new {thing} outside to show it to {friend}.",
            "{day}, {hero} and {friend} were playing with a new {thing}.",
        ),
        (
            "Then the wind blew hard, and the {thing} got stuck {where}.",
            "Suddenly a gust of wind carried the {thing} away, and it landed {where}.",
        ),
        (
            "{hero} jumped as high as {he} could, but the {thing} was too far up.",
            "{friend} threw a stick at the {thing}, but that did not help.",
        ),
        (
            '"Do not give up, {hero}," said {friend}. "Let us ask your {elder}."',
            "So {hero} and {friend} asked {his} {elder} for help.",
        ),
    ),
    (
        (
            "{His} {elder} brought {tool} and {how}.",
            "Soon {his} {elder} came with {tool} and {how}.",
        ),
        (
            "{hero} had {his} {thing} back and let {friend} have the first turn.",
            '"Hooray!" shouted {hero} and shared the {thing} with {friend}.',
        ),
    ),
)

BROKEN = Plot(
    (
        words(
            "thing|part|again",
            "music box|lid|play its song",
            "wagon|wheel|roll down the lane",
            "drum|skin|go boom",
            "doll house|door|open and close",
            "toy ship|mast|sail on the pond",
            "robot|arm|wave to everyone",
        ),
        words(
            "fix",
            "a drop of glue",
            "a new nail",
            "a piece of leather",
            "a tiny screw",
            "some strong thread",
            "a bit of wire",
        ),
    ),
    (
        (
            "{day}, {friend} let {hero} play with a beautiful {thing}.",
            "{day}, {hero} played with a {thing} that {friend} had brought.",
        ),
        (
            "But {hero} dropped it, and the {part} of the {thing} broke.",
            "{He} ran too fast, fell down and broke the {part} of the {thing}.",
        ),
        (
            "{hero} hid the {thing} under the bed and felt awful inside.",
            "At first {he} said nothing about the {thing}, and {his} tummy felt bad.",
        ),
        (
            'Then {hero} told {friend} the truth. "I broke your {thing}," {he} said.',
            '"I am so sorry, {friend}," said {hero}. "I broke your {thing}."',
        ),
    ),
    (
        (
            '"Thank you for telling me, {hero}," said {friend}.',
            '"Maybe your {elder} can mend it," said {friend}.',
        ),
        (
            "With {fix}, {his} {elder} mended the {part}, and the {thing} could {again} once more.",
            "{His} {elder} used {fix}, and soon the {thing} could {again} as before.",
        ),
    ),
)

BAKING = Plot(
    (
        words(
            "dish|missing",
            "an apple pie|sugar",
            "a birthday cake|butter",
            "a loaf of bread|honey",
            "a pot of soup|salt",
            "a plum tart|flour",
            "a bowl of jam|fruit",
        ),
        words(
            "giver|swap",
            "the baker|a song",
            "the farmer|a basket of pears",
            "the old beekeeper|a bunch of daisies",
            "the gardener|help with the weeds",
            "the milkmaid|a funny story",
            "the old woodcutter|a jug of tea",
        ),
    ),
    (
        (
            "{day}, {hero} wanted to make {dish} for {his} {elder}.",
            "{day}, {hero} and {friend} began to make {dish} for {his} {elder}.",
        ),
        (
            "{He} took out a big spoon and looked for {missing}, but found none.",
            "Everything was ready, but {hero} could not find any {missing}.",
        ),
        (
            '"Without {missing} we cannot make {dish}," said {hero}.',
            "{hero} looked on every shelf and found no {missing}.",
        ),
        (
            '"Let us ask {giver}," said {friend}.',
            "So {hero} and {friend} went to see {giver}.",
        ),
    ),
    (
        (
            "They offered {swap}, and {giver} gave them all the {missing} they needed.",
            "In return for {swap}, {giver} gave {hero} and {friend} plenty of {missing}.",
        ),
        (
            "{His} {elder} came home, saw {dish} and ate two big helpings.",
            "Soon {dish} was ready, and {his} {elder} was very happy.",
        ),
    ),
)

PLOTS_OF_THINGS = (LOST, STUCK, BROKEN, BAKING)
