/*
 * The kernel's side of the benchmarks: a client that measures, a server of the small services, and a wire between two
 * TUN interfaces. One program, compiled when a benchmark starts (kernel-peer.ts); its first word says what it is to be:
 *
 *   kernel-peer send|recv|ping|uping|connect|idle KEY=VALUE...   measures once, prints one line of JSON
 *   kernel-peer serve KEY=VALUE...                               echo 7, discard 9, chargen 19, until it is killed
 *   kernel-peer forward KEY=VALUE...                             joins two TUNs, until it is killed
 *
 * This file: what its parts share.
 */
#ifndef KERNEL_PEER_H
#define KERNEL_PEER_H

#include <stdint.h>
#include <sys/socket.h>

enum { MOST_PEERS = 8 };

/* What the command line says. */
struct options {
  const char *address;        /* of the service */
  int port;
  double seconds;             /* that count */
  double warm;                /* seconds before them, which do not */
  int count;                  /* connections at a time, or in all */
  const char *congestion;     /* control of connections that send; NULL for the system's */
  int peers[MOST_PEERS];      /* processes on the other side, whose CPU time is told */
  int peer_count;
  int cpu;                    /* where this process is to run; -1 for anywhere */
  int peer_cpu;               /* where its peers are to run */
  const char *from, *to;      /* forward: NAMESPACE:INTERFACE */
  int offload;                /* forward: packets of up to 64 KiB, with checksums left out */
};

/* usage.c */
double seconds_now(void);

/* CPU seconds so far. */
struct usage {
  double at;                  /* seconds_now() */
  double own;
  double peers;
  double machine;             /* everybody, and what a hypervisor has taken */
};
struct usage usage_now(const struct options *options);
/* Prints `"seconds":…,"ownCpu":…,"peerCpu":…,"othersCpu":…`, the CPU seconds between two looks. */
void print_usage(const struct usage *before, const struct usage *after);
/* Octets that the kernel's slabs occupy. */
long slab_octets(void);
/* Puts this process and its peers where the options say. */
void pin(const struct options *options);

/* sockets.c */
struct endpoint {
  struct sockaddr_storage address;
  socklen_t length;
};
struct endpoint endpoint_of(const char *address, int port);
/* A socket for the endpoint; TCP with TCP_NODELAY and the congestion control of the options. */
int open_socket(const struct endpoint *endpoint, int type, const struct options *options);
/* Connected and blocking; no call on it takes more than some seconds. */
int connected(const struct options *options, int type);
/* Closes by a reset, which leaves nothing behind on either side. */
void reset(int fd);
void many_descriptors(void);

/* Prints a message with errno's text, and exits. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

/* The modes: bulk.c, round-trips.c, connections.c, server.c, forwarder.c */
void measure_send(const struct options *options);
void measure_recv(const struct options *options);
void measure_round_trips(const struct options *options, int type);
void measure_connections(const struct options *options);
void measure_idle(const struct options *options);
void serve(const struct options *options);
void forward(const struct options *options);

#endif
