/* Loaded into a process with LD_PRELOAD: writes down, in order, all that the process does to files under one folder.
 *
 * RECORD_ROOT is the folder, RECORD_TO the file that the record goes to, if any. One operation can be made to fail: see
 * recorder_arm. A lock is held around each call and its
 * record, so that the order is the true one. Memory maps are not seen: SQLite maps only -shm files, which nobody needs
 * after a crash. That nothing else is missed is shown by replaying the record (see recording.py).
 *
 * A record: u8 what, u64 inode, u64 offset, u32 length of text, u32 length of data, text, data; native byte order.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int to = -1;
static char watched[FDS];
static long steps, fail_at = -1;
static int fail_with, fail_when, fail_on;

/* Operation `number` under the root, counted from now on, fails with errno `error`. `when`: 'b' before it is done, 'd'
 * though it is done, 't' when half of it is written. With `on` set all that need space fail from there on. */
void recorder_arm(long number, int error, int when, int on) {
    pthread_mutex_lock(&lock);
    steps = 0, fail_at = number, fail_with = error, fail_when = when, fail_on = on;
    pthread_mutex_unlock(&lock);
}

/* How the operation that is about to be done fails: 0 not at all. */
static int fault(int needs_space) {
    long number = steps++;
    if (fail_at < 0 || number < fail_at) return 0;
    if (number == fail_at) return fail_when;
    return fail_on && needs_space ? 'b' : 0;
}

static void __attribute__((constructor)) begin(void) {
    const char *folder = getenv("RECORD_ROOT"), *record = getenv("RECORD_TO");
    if (!folder) return;
    snprintf(root, sizeof root, "%s/", folder);
    root_length = strlen(root);
    if (record)
        to = (int)syscall(SYS_openat, AT_FDCWD, record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The path below the root, or NULL when it is elsewhere. "" is the root itself. */
static const char *below(const char *path, char *space) {
    if (!root_length || !path) return NULL;
    if (path[0] != '/') {
        size_t used;
        if (!getcwd(space, PATH_MAX)) return NULL;
        used = strlen(space);
        snprintf(space + used, PATH_MAX - used, "/%s", path);
        path = space;
    }
    if (strncmp(path, root, root_length - 1)) return NULL;
    if (path[root_length - 1] == 0) return path + root_length - 1;
    return path[root_length - 1] == '/' ? path + root_length : NULL;
}

static void put(char what, uint64_t inode, uint64_t offset, const char *text, const void *data, size_t size) {
    if (to < 0) return;
    uint32_t lengths[2] = {(uint32_t)strlen(text), (uint32_t)size};
    struct iovec parts[6] = {{&what, 1},           {&inode, 8},           {&offset, 8},
                             {lengths, 8},         {(void *)text, lengths[0]}, {(void *)data, size}};
    if (syscall(SYS_writev, to, parts, 6) < 0) abort();
}

static uint64_t inode_of(int fd) {
    struct stat found;
    return fstat(fd, &found) ? 0 : (uint64_t)found.st_ino;
}

static int opened(const char *path, int flags, mode_t mode) {
    char space[PATH_MAX];
    const char *name = below(path, space);
    struct stat before;
    int fd, existed, failing = 0;
    if (!name) return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&lock);
    existed = stat(path, &before) == 0;
    if ((!existed && flags & O_CREAT) || (existed && flags & O_TRUNC)) failing = fault(!existed);
    fd = failing && failing != 'd' ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && fd < FDS) {
        watched[fd] = 1;
        if (!existed) put('c', inode_of(fd), 0, name, "", 0);
        else if (flags & O_TRUNC) put('t', inode_of(fd), 0, "", "", 0);
        if (failing) close(fd);
    }
    pthread_mutex_unlock(&lock);
    if (!failing) return fd;
    errno = fail_with;
    return -1;
}

#define MODE(flags)                             \
    mode_t mode = 0;                            \
    if ((flags) & (O_CREAT | O_TMPFILE)) {      \
        va_list rest;                           \
        va_start(rest, flags);                  \
        mode = (mode_t)va_arg(rest, int);       \
        va_end(rest);                           \
    }
int open(const char *path, int flags, ...) { MODE(flags) return opened(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(path, flags, mode); }
int __open_2(const char *path, int flags) { return opened(path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(path, flags, 0); }
int creat(const char *path, mode_t mode) { return opened(path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return opened(path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

static int opened_at(int folder, const char *path, int flags, mode_t mode) {
    if (folder == AT_FDCWD || path[0] == '/') return opened(path, flags, mode);
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return opened_at(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(flags) return opened_at(folder, path, flags, mode); }

int close(int fd) {
    if (fd >= 0 && fd < FDS) watched[fd] = 0;
    return (int)syscall(SYS_close, fd);
}

static int is_watched(int fd) { return root_length && fd >= 0 && fd < FDS && watched[fd]; }

static ssize_t written(int fd, const void *data, size_t size, off_t at, int positioned) {
    ssize_t done = 0;
    int failing;
    if (!is_watched(fd))
        return positioned ? syscall(SYS_pwrite64, fd, data, size, at) : syscall(SYS_write, fd, data, size);
    pthread_mutex_lock(&lock);
    if (!positioned) at = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    failing = fault(1);
    if (failing == 't') size /= 2;
    if (failing != 'b')
        done = positioned ? syscall(SYS_pwrite64, fd, data, size, at) : syscall(SYS_write, fd, data, size);
    if (done > 0) put('w', inode_of(fd), (uint64_t)at, "", data, (size_t)done);
    pthread_mutex_unlock(&lock);
    if (!failing) return done;
    errno = fail_with;
    return -1;
}
ssize_t write(int fd, const void *data, size_t size) { return written(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return written(fd, data, size, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) { return written(fd, data, size, at, 1); }

/* Copies inside the kernel are refused, so that they are done by reading and writing, which is seen. */
static ssize_t refused(void) {
    errno = ENOSYS;
    return -1;
}
ssize_t sendfile(int out, int in, off_t *at, size_t size) {
    return is_watched(out) ? refused() : syscall(SYS_sendfile, out, in, at, size);
}
ssize_t sendfile64(int out, int in, off_t *at, size_t size) { return sendfile(out, in, at, size); }
ssize_t copy_file_range(int in, off_t *from, int out, off_t *at, size_t size, unsigned int flags) {
    return is_watched(out) ? refused() : syscall(SYS_copy_file_range, in, from, out, at, size, flags);
}

#define STEP(needs_space, call, then)                               \
    do {                                                            \
        int done = 0, failing;                                      \
        pthread_mutex_lock(&lock);                                  \
        failing = fault(needs_space);                               \
        if (!failing || failing == 'd') {                           \
            done = (int)(call);                                     \
            if (done == 0) { then; }                                \
        }                                                           \
        pthread_mutex_unlock(&lock);                                \
        if (!failing) return done;                                  \
        errno = fail_with;                                          \
        return -1;                                                  \
    } while (0)

static int cut(int fd, off_t size) {
    if (!is_watched(fd)) return (int)syscall(SYS_ftruncate, fd, size);
    STEP(0, syscall(SYS_ftruncate, fd, size), put('t', inode_of(fd), (uint64_t)size, "", "", 0));
}
int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

static int synced(int fd, long call) {
    if (!is_watched(fd)) return (int)syscall(call, fd);
    STEP(0, syscall(call, fd), put('s', inode_of(fd), 0, "", "", 0));
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

int rename(const char *from, const char *target) {
    char space[2][PATH_MAX];
    const char *old = below(from, space[0]), *new = below(target, space[1]);
    if (!old || !new) return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, target);
    STEP(0, syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, target), put('r', 0, 0, old, new, strlen(new)));
}

static int removed(const char *path, int flags) {
    char space[PATH_MAX];
    const char *name = below(path, space);
    if (!name) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, flags);
    STEP(0, syscall(SYS_unlinkat, AT_FDCWD, path, flags), put('u', 0, 0, name, "", 0));
}
int unlink(const char *path) { return removed(path, 0); }
int rmdir(const char *path) { return removed(path, AT_REMOVEDIR); }

int mkdir(const char *path, mode_t mode) {
    char space[PATH_MAX];
    struct stat made;
    const char *name = below(path, space);
    if (!name) return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    STEP(1, syscall(SYS_mkdirat, AT_FDCWD, path, mode),
         put('m', stat(path, &made) ? 0 : (uint64_t)made.st_ino, 0, name, "", 0));
}
