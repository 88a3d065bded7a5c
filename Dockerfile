# The course in a container, with the versions that are known to run together:
#   docker build -t sb3-course .
#   docker run --rm -it --user "$(id -u):$(id -g)" -v "$PWD:/work" sb3-course exercise list first-seven
# What you write and what studies leave behind lies in the folder that is mounted as /work. No window is opened, and no graphics card is needed.
FROM python:3.11-slim

# git, so that a study can name the commit of the code that ran it.
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*

# Extras of pyproject.toml, such as --build-arg EXTRAS=minatar,mujoco; and an index that holds PyTorch's CPU build, which is 2 GB smaller than that with CUDA.
ARG EXTRAS=""
ARG PIP_EXTRA_INDEX_URL=""

# One thread in each process, as in the Makefile; what libraries keep for themselves goes where every user may write.
ENV OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1 HOME=/tmp

COPY . /opt/sb3-course
WORKDIR /opt/sb3-course
# The last command compiles what is compiled at first use, so that no container does it again.
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt -e ".${EXTRAS:+[$EXTRAS]}" \
    && git config --system --add safe.directory /opt/sb3-course \
    && sb3-course doctor --warm

WORKDIR /work
ENTRYPOINT ["sb3-course"]
CMD ["doctor"]
