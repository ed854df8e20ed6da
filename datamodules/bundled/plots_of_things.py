"""Plots about things: lost, out of reach, broken, or missing from the cupboard."""

from __future__ import annotations

from datamodules.bundled.story_plot import Plot, casts

LOST = Plot(
    casts(
        "thing|spot|wrong|hidden",
        "red ball|garden|under the bench|behind the flower pots",
        "toy train|kitchen|under the table|inside the bread basket",
        "blue scarf|park|beside the pond|on a low branch",
        "silver bell|barn|in the hay|in an old boot",
        "yellow boat|yard|near the gate|in the rain barrel",
        "wooden horse|attic|in the big chest|behind a pile of books",
    ),
    (
        (
            "{day}, {hero} wanted to play with {his} {thing}, but it was gone.",
            "{hero} had a {thing} that {he} loved very much. {day}, {he} could not find it.",
        ),
        (
            "{He} looked {wrong}, but it was not there. {He} felt sad and began to cry.",
            "{hero} searched {wrong} and found only dust. A tear ran down {his} cheek.",
        ),
        (
            '{friend} came by and asked, "Why are you so sad?" {hero} said, "I lost my {thing}."',
            '"What is wrong?" asked {friend}. "My {thing} is lost," said {hero}.',
        ),
        (
            '"Where did you see it last?" asked {friend}. {hero} thought hard. "In the {spot}," {he} said.',
            '"Let us look together," said {friend}. So the two of them went to the {spot}.',
        ),
    ),
    (
        (
            "They looked again with care, and there it was, {hidden}. {hero} jumped for joy.",
            'At last {friend} looked {hidden} and called, "Here it is!" {hero} held the {thing} tight.',
        ),
        (
            '"Thank you," said {hero}. After that {he} always put the {thing} back in its place.',
            "{hero} thanked {friend}, and they played with the {thing} until supper.",
        ),
    ),
)

STUCK = Plot(
    casts(
        "thing|where|tool|how",
        "kite|at the top of the oak tree|a long ladder|climbed up step by step",
        "balloon|under the roof of the barn|a tall broom|pulled the string down with it",
        "paper plane|on the roof of the shed|a garden rake|reached up with it",
        "hat|in the apple tree|a strong rope|shook the branch with it",
        "ball|on the high wall|two wooden boxes|stood on top of them",
    ),
    (
        (
            "{day}, {hero} was playing outside with a new {thing}. {friend} was watching.",
            "{day}, {hero} took {his} {thing} outside to show it to {friend}.",
        ),
        (
            "Then the wind blew hard, and the {thing} got stuck {where}.",
            "Whoosh! A gust of wind carried the {thing} away, and it landed {where}.",
        ),
        (
            "{hero} jumped as high as {he} could. {He} threw a stick, but that did not help.",
            "{He} jumped and jumped, but could not reach it. {friend} tried too, and fell over.",
        ),
        (
            '"It is gone," said {hero}. "Wait, I have an idea," said {friend}, and ran to {elder}.',
            '{hero} wanted to give up. "Do not give up," said {friend}. "Let us ask {elder} for help."',
        ),
    ),
    (
        (
            "{elder} came with {tool}. Then {elder} {how}, and soon the {thing} was free.",
            "{elder} brought {tool} and {how}. A moment later the {thing} was down.",
        ),
        (
            '"Hooray!" shouted {hero}. {He} hugged {elder} and let {friend} have the first turn.',
            "{hero} thanked them both and shared the {thing} with {friend} all afternoon.",
        ),
    ),
)

BROKEN = Plot(
    casts(
        "thing|part|fix|again",
        "music box|lid|a drop of glue|play its song",
        "wagon|wheel|a new nail|roll down the lane",
        "drum|skin|a piece of leather|go boom",
        "doll house|door|a tiny screw|open and close",
        "toy ship|mast|some strong thread|sail on the pond",
    ),
    (
        (
            "{day}, {friend} let {hero} play with a beautiful {thing}.",
            "{friend} had a lovely {thing}. {day}, {hero} asked to borrow it, and {friend} said yes.",
        ),
        (
            "{hero} was not careful, and crack! The {part} of the {thing} broke.",
            "But {hero} ran too fast and dropped it. The {part} of the {thing} came off.",
        ),
        (
            "{He} thought about hiding it. {His} tummy felt bad, and {he} could not eat {his} lunch.",
            "At first {hero} put it under the bed and said nothing. All day {he} felt awful inside.",
        ),
        (
            'Then {hero} went to {friend} and told the truth. "I broke it," {he} said. "I am so sorry."',
            '"I have to tell you something," {hero} said to {friend} at last. "I broke your {thing}."',
        ),
    ),
    (
        (
            '{friend} was sad, but then said, "Thank you for telling me." They took it to {elder}.',
            '"Everyone breaks things," said {friend}. "Maybe {elder} can help us."',
        ),
        (
            "With {fix}, {elder} mended the {part}, and the {thing} could {again} once more.",
            "{elder} showed {hero} how to mend it with {fix}. Soon it could {again} as before.",
        ),
    ),
)

BAKING = Plot(
    casts(
        "dish|missing|giver|swap",
        "an apple pie|sugar|the baker|a song",
        "a birthday cake|eggs|the farmer|a basket of pears",
        "some honey bread|honey|the old beekeeper|a bunch of daisies",
        "a pot of soup|carrots|the gardener|help with the weeds",
        "a plum tart|butter|the milkmaid|a funny story",
    ),
    (
        (
            "{day}, {hero} decided to make {dish} as a surprise for {elder}.",
            "It was nearly {elder}'s birthday. {day}, {hero} wanted to make {dish}.",
        ),
        (
            "{He} took out a big bowl and a spoon. But {he} could not find any {missing}.",
            "Everything was ready on the table, but they had run out of {missing}.",
        ),
        (
            '"Oh no," said {hero}. "Without {missing} it will not taste good."',
            "{hero} looked on every shelf and even under the sink. It was no use.",
        ),
        (
            '{friend} knocked at the door. "Let us ask {giver}," said {friend}, and off they went.',
            'Just then {friend} came by. "I know who has some," said {friend}. They walked to see {giver}.',
        ),
    ),
    (
        (
            "They offered {swap}, and {giver} was so pleased that they got all the {missing} they needed.",
            'In return for {swap}, {giver} gave them plenty. "Have fun," said {giver}.',
        ),
        (
            "Back home they cooked until the whole house smelled good. {elder} ate two big helpings.",
            "When {elder} came home and saw {dish}, there were happy tears. They all ate together.",
        ),
    ),
)

PLOTS_OF_THINGS = (LOST, STUCK, BROKEN, BAKING)
