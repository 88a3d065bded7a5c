"""The engine of the course: which modules there are, checks that name the mistake, the process that runs them, a learner's files and progress.

It knows no module by its name: what there is to learn lies in the folders `sb3_course/mNN_…`, and docs/writing_lessons.md says how one is written.
Nothing here imports torch.
"""
