"""Plots about feelings: fear, envy, pity, and the wish to be able to do something."""

from __future__ import annotations

from datamodules.bundled.story_plot import Plot, words

AFRAID = Plot(
    (
        words(
            "fear|scene|truth",
            "the dark|the lamp went out|the dark is only the day having a rest",
            "thunder|a storm came up|thunder is only the clouds bumping together",
            "deep water|everyone went to the lake|water holds you up if you lie still",
            "the old cellar|the cellar door creaked|it is only the wind playing with the door",
            "big dogs|a big dog came down the path|he only wants to say hello",
            "spiders|a spider sat on the window|it is only looking for a home",
        ),
        words(
            "gift",
            "a small lamp",
            "a warm blanket",
            "a soft pillow",
            "a shiny button",
            "a sweet cookie",
            "a lucky stone",
        ),
    ),
    (
        (
            "There was one thing that {hero} did not like at all, and that was {fear}.",
            "{hero} was brave, but {he} was afraid of {fear}.",
        ),
        (
            "{day}, {scene}, and {hero} hid behind a chair.",
            "{day}, {scene}, and {hero} wanted to run away.",
        ),
        (
            '"I was afraid of {fear} once, too," said {friend}.',
            '"Why are you hiding?" asked {friend}. "I am scared of {fear}," said {hero}.',
        ),
        (
            '"You know, {truth}," said {his} {elder} and gave {him} {gift}.',
            'Then {his} {elder} gave {him} {gift} and said, "Listen, {truth}."',
        ),
    ),
    (
        (
            "With {friend} close by, {hero} took one small step, and then another.",
            "{hero} took {gift}, counted to ten, and nothing bad happened.",
        ),
        (
            '"I did it, {friend}!" said {hero}. Being brave felt good.',
            "Soon {hero} could laugh about {fear}, and {friend} was proud of {him}.",
        ),
    ),
)

SHARING = Plot(
    (
        words(
            "thing|use|plan",
            "swing|swing on it|take turns and count to twenty",
            "sled|ride on it|sit on it together",
            "puzzle|start it|do one half each",
            "paint box|paint with it|paint one big picture together",
            "pancake|eat it|cut it down the middle",
            "drum|play it|sing while the other one plays",
        ),
        words(
            "trouble",
            "pulled until both of them fell down",
            "knocked over a jar of water",
            "stamped on the floor",
            "would not look at each other",
            "made a terrible noise",
        ),
    ),
    (
        (
            "{day}, {hero} and {friend} both saw the {thing} at the same time.",
            "{day}, there was only one {thing} for {hero} and {friend}.",
        ),
        (
            '"I want to {use} first!" said {hero}. "No, me!" said {friend}.',
            "{friend} wanted to {use}, and so did {hero}.",
        ),
        (
            "They argued about the {thing} and {trouble}.",
            "{hero} and {friend} shouted and {trouble}.",
        ),
        (
            '{friend} turned to go home. "Please stay," said {hero}.',
            "Then {hero} was sad, and {friend} was sad, too.",
        ),
    ),
    (
        (
            '"I know," said {hero}. "We can {plan}."',
            '{His} {elder} asked {hero} and {friend}, "What if you {plan}?"',
        ),
        (
            "{friend} liked the idea, and the {thing} was twice as much fun.",
            "So {hero} and {friend} shared the {thing} until supper.",
        ),
    ),
)

RESCUE = Plot(
    (
        words(
            "creature|hurt|food|leave",
            "bird|could not fly|some seeds|flew up into the sky",
            "butterfly|had a wet wing|a drop of honey|fluttered over the fence",
            "frog|was stuck in a jar|a tiny worm|hopped into the pond",
            "turtle|lay on its back|a leaf of lettuce|walked slowly to the river",
            "beetle|had fallen into a pail|a slice of apple|crawled into the grass",
            "snail|had lost its way|a green leaf|went slowly home",
        ),
        words("bed", "a shoe box", "a soft leaf", "a bed of moss", "an old hat", "a basket of straw"),
    ),
    (
        (
            "{day}, {hero} and {friend} were walking home when they saw a {creature}.",
            "{day}, {hero} and {friend} found a {creature} behind the house.",
        ),
        (
            'The {creature} {hurt}. "You poor thing," said {hero}.',
            "It was a small {creature} that {hurt} and looked up at {hero}.",
        ),
        (
            '"We have to help the {creature}," said {friend}.',
            "{friend} was afraid to touch the {creature}, but {hero} was very gentle.",
        ),
        (
            "They carried the {creature} home and made {bed} ready for it.",
            "{hero} put the {creature} in {bed}, and {his} {elder} helped {him}.",
        ),
    ),
    (
        (
            "{friend} gave the {creature} {food}, and in the morning it was well.",
            "{hero} gave it {food} every hour, until the {creature} was strong again.",
        ),
        (
            'Then the {creature} {leave}. "Goodbye, little one," said {hero}.',
            "{hero} and {friend} opened the door, and the {creature} {leave}.",
        ),
    ),
)

LEARNING = Plot(
    (
        words(
            "skill|fail|hint|win",
            "ride a bike|fell into the grass|look straight ahead|rode all the way to the gate",
            "whistle|only blew air|make your lips round|whistled a whole tune",
            "skate|slipped on the ice|bend your knees|glided across the pond",
            "skip rope|got tangled in the rope|listen to the beat|skipped twenty times",
            "swim|swallowed a lot of water|kick like a frog|swam to the little island",
            "juggle|dropped all the apples|start with only two|kept three apples in the air",
            "dance|stepped on a toe|count to three|danced around the room",
            "climb|slid down the tree|hold on with both hands|climbed up to the top",
        ),
    ),
    (
        (
            "More than anything, {hero} wanted to {skill}.",
            "{friend} could {skill}, but {hero} could not.",
        ),
        (
            "{day}, {hero} tried for the first time and {fail}.",
            '{day}, {hero} said, "Today I will {skill}." But {he} {fail}.',
        ),
        (
            '"I will never learn to {skill}," {hero} said to {friend}.',
            "{He} tried once more, and again {hero} {fail}.",
        ),
        (
            '"You have to {hint}," said {friend}.',
            '{His} {elder} told {hero}, "If you want to {skill}, you have to {hint}."',
        ),
    ),
    (
        (
            "So {hero} practised every day, and {friend} came along and cheered.",
            "So {hero} and {friend} practised until the sun was low.",
        ),
        (
            "And then it worked! {hero} {win}, and {friend} clapped.",
            'At last {he} {win}. "Look at me, {friend}!" shouted {hero}.',
        ),
    ),
)

PLOTS_OF_FEELINGS = (AFRAID, SHARING, RESCUE, LEARNING)
