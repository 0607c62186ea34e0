#include "shape_job.h"

#define HEAD_SIZE 4

void shape_job_encode(const struct shape_job *job, struct text *out)
{
    size_t size = job->program.size;
    CHECK(size <= SHAPE_PROGRAM_BYTES_MAX);
    const char head[HEAD_SIZE] = {(char)(size >> 24), (char)(size >> 16), (char)(size >> 8),
                                  (char)size};
    text_add(out, (struct span){.data = head, .size = HEAD_SIZE});
    text_add(out, job->program);
    text_add(out, job->input);
}

bool shape_job_decode(struct span bytes, struct shape_job *out)
{
    if (bytes.size < HEAD_SIZE) {
        return false;
    }
    size_t size = 0;
    for (size_t i = 0; i < HEAD_SIZE; i++) {
        size = (size << 8) | (unsigned char)bytes.data[i];
    }
    if (size > bytes.size - HEAD_SIZE) {
        return false;
    }
    out->program = (struct span){.data = bytes.data + HEAD_SIZE, .size = size};
    out->input =
        (struct span){.data = bytes.data + HEAD_SIZE + size, .size = bytes.size - HEAD_SIZE - size};
    return true;
}
