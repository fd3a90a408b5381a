/* Runs a program COUNT times and tells what one run took: timed COUNT program argument...
 *
 * Prints to descriptor 2, after all that the program wrote there: wall=SECONDS cpu=SECONDS rss=KB, the medians. The
 * exit status is that of the first run that failed.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 1000


static double seconds(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static double median(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, compare);
  return values[(count - 1) / 2];
}

static int run_once(char **command, double *wall, double *cpu, double *rss) {
  struct rusage usage;
  int status = 0;
  double begun = now();
  pid_t pid = fork();
  if (pid == 0) {
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
  }
  if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) return 126;
  *wall = now() - begun;
  *cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  *rss = (double)usage.ru_maxrss;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

int main(int argc, char **argv) {
  static double wall[MOST], cpu[MOST], rss[MOST];
  int count = argc > 2 ? atoi(argv[1]) : 0;
  if (count < 1 || count > MOST) {
    fprintf(stderr, "usage: timed COUNT program argument...\n");
    return 2;
  }
  for (int i = 0; i < count; i++) {
    int status = run_once(argv + 2, &wall[i], &cpu[i], &rss[i]);
    if (status != 0) return status;
  }
  fprintf(stderr, "wall=%.6f cpu=%.6f rss=%.0f\n", median(wall, count), median(cpu, count), median(rss, count));
  return 0;
}
