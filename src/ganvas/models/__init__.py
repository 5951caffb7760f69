"""Trained models; networks that are still to be trained are in networks/.

In: a run, a file, weights that others published; out: pictures, and files for others.

    model.py      Model: seeds -> pictures and clips; load(), and a model as one file
    place.py      what one picture is made of, spelled out as JSON
    made.py       what made a picture, written into its PNG or SVG and read back
    sheets.py     samples as files: a sheet of many, or each by itself
    shipped.py    models by name: those that come with the toolkit (pretrained/ holds them, each with its card), and hf:
    layout.py     a model as Hugging Face has it: a folder of few files, each with its sum
    hub_name.py   how a model on Hugging Face is called
    hub.py        models on Hugging Face: fetched, and handed on
    card.py       the card of such a model
    critics.py    the critics of a run: how real they find a picture
    publish.py    a run -> a small folder with a card, to hand on and to start from
    convert.py    generators that others published -> model files, names mapped and shapes checked
    mix.py        two models of one recipe as one, layer by layer
    vectors.py    a picture -> shapes of few flat fills
    curves.py     outlines as few lines and Bezier curves
    svg.py        shapes as an SVG, or a sheet of many with captions
    onnx.py       a generator as one ONNX file, which must draw what the model draws
    exported.py   pictures by such a file beside a model, without torch
    web.py        a generator as a web page, made of the template, the style and the JavaScript in page/
    lower.py      a generator's graph, lowered to the steps of such a page
    steps.py      what each of torch's operations becomes there
    program.py    such steps, and the memory that they work on
"""
