/* Preloaded: record every call that changes the files of a run, or kill the process at one of them.
 *
 * WATCHED: part of the paths; RECORD: file for the records; KILL_AT: number of the call before
 * which the process is killed. A record is kind, length of the path, offset, size (four 64-bit
 * numbers), the path, and the data of a write or the new path of a rename.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WRITE, TRUNCATE, OPEN, RENAME, UNLINK };
static long calls = 0;

static int watched(const char *path) {
    const char *part = getenv("WATCHED");
    return part && path && strstr(path, part) != NULL;
}

static const char *path_of(int fd) {
    static char path[4096];
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return NULL;
    path[size] = 0;
    return path;
}

static void note(long kind, const char *path, long offset, long size, const void *data) {
    if (!watched(path)) return;
    calls++;
    const char *kill_at = getenv("KILL_AT"), *record = getenv("RECORD");
    if (kill_at && atol(kill_at) == calls) kill(getpid(), SIGKILL);
    if (!record) return;
    FILE *file = fopen(record, "ab");
    long head[4] = {kind, (long)strlen(path), offset, size};
    fwrite(head, sizeof head, 1, file);
    fwrite(path, 1, strlen(path), file);
    if (data) fwrite(data, 1, size, file);
    fclose(file);
}

#define STOCK(type, name, ...) \
    static type (*stock)(__VA_ARGS__); \
    if (!stock) stock = dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *data, size_t size) {
    STOCK(ssize_t, "write", int, const void *, size_t);
    note(WRITE, path_of(fd), -1, size, data);
    return stock(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    STOCK(ssize_t, "pwrite", int, const void *, size_t, off_t);
    note(WRITE, path_of(fd), offset, size, data);
    return stock(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    STOCK(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    note(WRITE, path_of(fd), offset, size, data);
    return stock(fd, data, size, offset);
}
int ftruncate(int fd, off_t size) {
    STOCK(int, "ftruncate", int, off_t);
    note(TRUNCATE, path_of(fd), 0, size, NULL);
    return stock(fd, size);
}
int ftruncate64(int fd, off64_t size) {
    STOCK(int, "ftruncate64", int, off64_t);
    note(TRUNCATE, path_of(fd), 0, size, NULL);
    return stock(fd, size);
}
#define OPENED(name) \
    int name(const char *path, int flags, ...) { \
        STOCK(int, #name, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        if (flags & (O_CREAT | O_TRUNC)) note(OPEN, path, 0, (flags & O_TRUNC) != 0, NULL); \
        return stock(path, flags, mode); \
    }
OPENED(open)
OPENED(open64)
int rename(const char *from, const char *to) {
    STOCK(int, "rename", const char *, const char *);
    note(RENAME, from, 0, strlen(to), to);
    return stock(from, to);
}
int unlink(const char *path) {
    STOCK(int, "unlink", const char *);
    note(UNLINK, path, 0, 0, NULL);
    return stock(path);
}
