	.file	"montgomery.c"
	.text
	.globl	montgomery_wide
	.type	montgomery_wide, @function
montgomery_wide:
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%r15
	pushq	%r14
	pushq	%r13
	pushq	%r12
	movq	%rdi, -72(%rbp)
	movq	%rsi, -80(%rbp)
	movl	%edx, -84(%rbp)
	movl	%ecx, -88(%rbp)
	movq	%r8, -96(%rbp)
	movq	-80(%rbp), %rax
	movq	%rax, %r12
	movl	$0, %r13d
	movl	-88(%rbp), %eax
	salq	$32, %rax
	movq	%rax, %rdx
	movl	-84(%rbp), %eax
	orq	%rdx, %rax
	movq	%rax, %r10
	movl	$0, %r11d
	movq	%r13, %rdx
	imulq	%r10, %rdx
	movq	%r11, %rax
	imulq	%r12, %rax
	leaq	(%rdx,%rax), %rcx
	movq	%r12, %rax
	mulq	%r10
	addq	%rdx, %rcx
	movq	%rcx, %rdx
	movq	-72(%rbp), %rcx
	movq	%rcx, -112(%rbp)
	movq	$0, -104(%rbp)
	addq	-112(%rbp), %rax
	adcq	-104(%rbp), %rdx
	movq	-96(%rbp), %rcx
	movq	%rcx, %r14
	movl	$0, %r15d
	addq	%r14, %rax
	adcq	%r15, %rdx
	movq	%rax, -48(%rbp)
	movq	%rdx, -40(%rbp)
	movq	-48(%rbp), %rax
	movq	%rax, -64(%rbp)
	movq	-48(%rbp), %rax
	movq	-40(%rbp), %rdx
	movq	%rdx, %rax
	xorl	%edx, %edx
	movq	%rax, -56(%rbp)
	movq	-64(%rbp), %rax
	movq	-56(%rbp), %rdx
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	popq	%rbp
	ret
	.size	montgomery_wide, .-montgomery_wide
	.globl	montgomery_parts
	.type	montgomery_parts, @function
montgomery_parts:
	pushq	%rbp
	movq	%rsp, %rbp
	movq	%rdi, -88(%rbp)
	movq	%rsi, -96(%rbp)
	movl	%edx, -100(%rbp)
	movl	%ecx, -104(%rbp)
	movq	%r8, -112(%rbp)
	movq	-96(%rbp), %rax
	movl	%eax, %eax
	movq	%rax, -8(%rbp)
	movq	-96(%rbp), %rax
	shrq	$32, %rax
	movq	%rax, -16(%rbp)
	movl	-100(%rbp), %eax
	movq	-8(%rbp), %rdx
	imulq	%rdx, %rax
	movq	%rax, -24(%rbp)
	movl	-100(%rbp), %eax
	imulq	-16(%rbp), %rax
	movq	-24(%rbp), %rdx
	shrq	$32, %rdx
	addq	%rdx, %rax
	movq	%rax, -32(%rbp)
	movl	-104(%rbp), %eax
	imulq	-8(%rbp), %rax
	movq	-32(%rbp), %rdx
	movl	%edx, %edx
	addq	%rdx, %rax
	movq	%rax, -40(%rbp)
	movq	-40(%rbp), %rax
	salq	$32, %rax
	movq	-24(%rbp), %rdx
	movl	%edx, %edx
	orq	%rdx, %rax
	movq	%rax, -48(%rbp)
	movl	-104(%rbp), %eax
	imulq	-16(%rbp), %rax
	movq	-32(%rbp), %rdx
	shrq	$32, %rdx
	addq	%rax, %rdx
	movq	-40(%rbp), %rax
	shrq	$32, %rax
	addq	%rdx, %rax
	movq	%rax, -56(%rbp)
	movq	-88(%rbp), %rax
	addq	%rax, -48(%rbp)
	movq	-48(%rbp), %rax
	cmpq	-88(%rbp), %rax
	setb	%al
	movzbl	%al, %eax
	addq	%rax, -56(%rbp)
	movq	-112(%rbp), %rax
	addq	%rax, -48(%rbp)
	movq	-48(%rbp), %rax
	cmpq	-112(%rbp), %rax
	setb	%al
	movzbl	%al, %eax
	addq	%rax, -56(%rbp)
	movq	-48(%rbp), %rax
	movq	%rax, -80(%rbp)
	movq	-56(%rbp), %rax
	movq	%rax, -72(%rbp)
	movq	-80(%rbp), %rax
	movq	-72(%rbp), %rdx
	popq	%rbp
	ret
	.size	montgomery_parts, .-montgomery_parts
	.ident	"GCC: (Debian 12.2.0-14+deb12u1) 12.2.0"
	.section	.note.GNU-stack,"",@progbits
