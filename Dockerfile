# maskwright on a CPU:
#
#   docker build --build-arg PIP_EXTRA_INDEX_URL=… -t maskwright .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" maskwright train quickstart --out first
#
# The index is that of PyTorch's CPU builds, which its installation page names; without it the image holds a CUDA build.
FROM python:3.12-slim

ARG PIP_EXTRA_INDEX_URL
COPY pyproject.toml constraints.txt README.md LICENSE /source/
COPY maskwright /source/maskwright
RUN pip install --no-cache-dir --constraint /source/constraints.txt "/source[hub,serve]"

# any user may run it: caches go where all may write
ENV HOME=/tmp
USER 65534
WORKDIR /work
ENTRYPOINT ["maskwright"]
CMD ["--help"]
