"""Trained models; networks that are still to be trained are in networks/.

In: a run, a file, weights that others published; out: pictures, and files to share.

    model.py      Model: seeds -> pictures and clips; load(), and the format of a model file
    place.py      Place: everything that specifies one picture, as JSON
    made.py       provenance: what made a picture, written into its PNG or SVG and read back
    sheets.py     samples as files: one sheet of many, or one file each
    shipped.py    models by name: the built-in ones (pretrained/ holds them, each with its card), and hf:
    layout.py     the Hugging Face layout of a model: a folder of a few files with their hashes
    hub_name.py   names of models on Hugging Face
    hub.py        models on Hugging Face: download and upload
    card.py       the model card
    critics.py    the critics of a run: how real they find a picture
    publish.py    a run -> a small folder with a card, to share and to start from
    convert.py    generators that others published -> model files, names mapped and shapes checked
    mix.py        two models of one recipe combined layer by layer
    vectors.py    a picture -> shapes in a few flat colours
    curves.py     outlines as a few lines and Bezier curves
    svg.py        shapes as an SVG, or a sheet of many with captions
    onnx.py       a generator as one ONNX file, checked against the model
    exported.py   drawing with the ONNX file next to a model, without torch
    web.py        a generator as a web page, made of the template, the style and the JavaScript in page/
    lower.py      a generator's graph, lowered to the steps of such a page
    steps.py      how each torch operation becomes steps
    program.py    the steps, and the memory that they work on
"""
