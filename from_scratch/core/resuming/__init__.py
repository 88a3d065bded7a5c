"""Going on exactly: what a file holds beside the model, so that training continues as if it had never been stopped.

    picture.py        the state of objects as plain data, and put back into other objects of their kinds
    environments.py   … of vector environments, their wrappers and what they draw from
    callbacks.py      … of callbacks, and the callback that saves every so many steps
    files.py          … in members of a model's zip, which is replaced at once
    model.py          what of a model is in no other file: streams, memory, counters; and how all is put back

No file is unpickled: objects are filled in, never made.
"""
