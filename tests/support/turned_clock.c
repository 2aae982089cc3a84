/* Turns a program's wall clock, and no other: loaded before libc (LD_PRELOAD), it adds the milliseconds
 * that the file METERBOX_TURNED_CLOCK holds to every reading of CLOCK_REALTIME. The file may change
 * while the program runs. With METERBOX_TURNED_BOOT, a file, the kernel's boot id is what is in that: the
 * machine has been started anew. For tests alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long turned_by_ms(void) {
    const char* path = getenv("METERBOX_TURNED_CLOCK");
    char text[32] = {0};
    if (path == NULL) return 0;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    const ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 ? atoll(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
    const int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed != 0 || clock != CLOCK_REALTIME) return failed;
    const long long ms = now->tv_sec * 1000LL + now->tv_nsec / 1000000 + turned_by_ms();
    now->tv_nsec = (ms % 1000) * 1000000 + now->tv_nsec % 1000000;
    now->tv_sec = ms / 1000;
    return 0;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
    (void)zone;
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t* result) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    if (result != NULL) *result = now.tv_sec;
    return now.tv_sec;
}

typedef FILE* (*Opener)(const char*, const char*);

static FILE* opened_by(const char* opener, const char* path, const char* mode) {
    const char* boot = getenv("METERBOX_TURNED_BOOT");
    const int asks_for_boot = boot != NULL && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0;
    void* const symbol = dlsym(RTLD_NEXT, opener);
    Opener real = NULL;
    memcpy(&real, &symbol, sizeof real);
    return real(asks_for_boot ? boot : path, mode);
}

FILE* fopen(const char* restrict path, const char* restrict mode) {
    return opened_by("fopen", path, mode);
}

FILE* fopen64(const char* restrict path, const char* restrict mode) {
    return opened_by("fopen64", path, mode);
}
