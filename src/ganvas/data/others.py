"""Files that are no pictures to be opened here: what one is, judged by how it begins, and what to do with it."""

__all__ = ["other"]

BOX = b"\0\0\0\x0c"
TO_SAVE = {
    "PSD": b"8BPS",
    "XCF": b"gimp xcf",
    "PDF": b"%PDF-",
    "EPS": b"%!PS",
    "JPEG XL": b"\0\0\0\x0cJXL ",
    "JPEG 2000": b"\0\0\0\x0cjP  ",
}
ARRAYS = "NumPy arrays: save each picture as PNG, or train on them from Python, as ganvas.Dataset(array)"
VIDEO = "a video, from which clips are learned: ganvas train moving_digits --data FOLDER"
ARROW = "an Arrow file: save the set by its to_parquet, and name the .parquet file"
ZIP = b"PK\3\4"
DOCUMENTS = {
    b"mimetypeimage/openraster": "OpenRaster, to be saved as PNG first",
    b"mimetypeapplication/x-krita": "a drawing of Krita, to be saved as PNG first",
    b"mimetypeapplication/": "a document, from which pictures are to be saved apart",
    b"[Content_Types].xml": "a document, from which pictures are to be saved apart",
}
"""What is in the first 256 bytes of zips that are called otherwise."""
BEGINNINGS = {
    ZIP: "a zip within the data: unpack it, or name it alone",
    b"\x93NUMPY": ARRAYS,
    b"PAR1": "a Parquet file: name it, or the folder it is in, alone",
    b"ARROW1": ARROW,
    b"\x1a\x45\xdf\xa3": VIDEO,
    b"\x1f\x8b": "packed by gzip: unpack it; packed shards are named as 'shards:FOLDER/*.tar.gz'",
}


def other(content: bytes) -> str:
    """What such a file is and what to do with it, as a reason of some words; empty if it is none that is known."""
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        if brand in {b"avif", b"avis"} or brand[:3] in {b"hei", b"hev", b"mif"}:
            return f"{'AVIF' if brand.startswith(b'avi') else 'HEIC'}, to be saved as PNG first"
        return "" if brand.startswith(b"M4A") else VIDEO
    if content[:4] == b"RIFF" and content[8:12] == b"AVI ":
        return VIDEO
    if content[257:262] == b"ustar":
        return "a tar file: unpack it; shards are named as 'shards:FOLDER/*.tar'"
    if content[:4] == b"\xff\xff\xff\xff" and content[8:12] == b"\x10\0\0\0":  # as `datasets` saves to a disk
        return ARROW
    if content.startswith(ZIP):
        document = next((reason for mark, reason in DOCUMENTS.items() if mark in content[:256]), "")
        return document or BEGINNINGS[ZIP]
    form = next((name for name, start in TO_SAVE.items() if content.startswith(start)), "")
    known = (reason for start, reason in BEGINNINGS.items() if content.startswith(start))
    return f"{form}, to be saved as PNG first" if form else next(known, "")
